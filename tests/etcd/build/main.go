// Etcd, unchanged, for the tests: the module is fetched and built, so that its version is pinned with its checksum.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
