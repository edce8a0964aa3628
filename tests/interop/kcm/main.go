// Command kube-controller-manager is Kubernetes' own, built from its published module: a real client of coordinated leader
// election.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() { os.Exit(cli.Run(app.NewControllerManagerCommand())) }
