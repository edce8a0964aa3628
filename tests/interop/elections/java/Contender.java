import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfig;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElector;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** fabric8's elector, contending. ../README.md tells what it reads and prints. */
public final class Contender {
  private Contender() {}

  public static void main(String[] arguments) throws Exception {
    var namespace = arguments[0];
    var lease = arguments[1];
    var identity = arguments[2];
    var stopped = new CountDownLatch(1);
    var callbacks = new LeaderCallbacks(() -> say("leads"), () -> { say("stopped"); stopped.countDown(); }, holder -> {});
    var config = new LeaderElectionConfig(new LeaseLock(namespace, lease, identity),
        seconds("LEASE_SECONDS"), seconds("DEADLINE_SECONDS"), seconds("RETRY_SECONDS"), callbacks, true, lease);
    try (var client = new KubernetesClientBuilder().build()) {
      CompletableFuture<?> running = new LeaderElector(client, config, Runnable::run).start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> running.cancel(true)));
      stopped.await();
    }
  }

  private static Duration seconds(String variable) {
    return Duration.ofSeconds(Long.parseLong(System.getenv(variable)));
  }

  private static void say(String what) {
    System.out.println(what);
    System.out.flush();
  }
}
