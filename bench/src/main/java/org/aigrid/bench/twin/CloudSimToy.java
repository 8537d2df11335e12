package org.aigrid.bench.twin;

import ch.qos.logback.classic.Level;
import java.util.ArrayList;
import org.aigrid.bench.twin.ToyWorkload.Played;
import org.cloudsimplus.brokers.DatacenterBrokerSimple;
import org.cloudsimplus.cloudlets.Cloudlet;
import org.cloudsimplus.cloudlets.CloudletSimple;
import org.cloudsimplus.core.CloudSimPlus;
import org.cloudsimplus.datacenters.DatacenterSimple;
import org.cloudsimplus.hosts.Host;
import org.cloudsimplus.hosts.HostSimple;
import org.cloudsimplus.resources.Pe;
import org.cloudsimplus.resources.PeSimple;
import org.cloudsimplus.schedulers.cloudlet.CloudletSchedulerTimeShared;
import org.cloudsimplus.util.Log;
import org.cloudsimplus.utilizationmodels.UtilizationModelFull;
import org.cloudsimplus.vms.Vm;
import org.cloudsimplus.vms.VmSimple;

/// The toy workload in CloudSim Plus: a virtual machine of one core on a host of its own for each
/// server, and a cloudlet for each request under the time-shared scheduler.
final class CloudSimToy {
  private static final long MIPS = 1_000;

  private CloudSimToy() {}

  static Played play(ToyWorkload toy) {
    Log.setLevel(Level.OFF);
    long began = System.nanoTime();
    var simulation = new CloudSimPlus();
    var hosts = new ArrayList<Host>();
    var machines = new ArrayList<Vm>();
    for (int i = 0; i < toy.servers(); i++) {
      var cores = new ArrayList<Pe>();
      cores.add(new PeSimple(MIPS));
      hosts.add(new HostSimple(10_000, 100_000, 1_000_000, cores));
      Vm machine = new VmSimple(MIPS, 1).setRam(1_000).setBw(1_000).setSize(1_000);
      machine.setCloudletScheduler(new CloudletSchedulerTimeShared());
      machines.add(machine);
    }
    new DatacenterSimple(simulation, hosts);
    var broker = new DatacenterBrokerSimple(simulation);
    broker.submitVmList(machines);
    var cloudlets = new ArrayList<Cloudlet>();
    for (int i = 0; i < toy.requests(); i++) {
      long length = Math.max(1, Math.round(toy.workS()[i] * MIPS));
      Cloudlet cloudlet =
          new CloudletSimple(length, 1).setUtilizationModelCpu(new UtilizationModelFull());
      cloudlet.setSubmissionDelay(toy.arrivalS()[i]);
      broker.bindCloudletToVm(cloudlet, machines.get(toy.server()[i]));
      cloudlets.add(cloudlet);
    }
    broker.submitCloudletList(cloudlets);
    simulation.start();
    double insideS = 0;
    int finished = 0;
    for (Cloudlet cloudlet : broker.<Cloudlet>getCloudletFinishedList()) {
      insideS += cloudlet.getFinishTime() - cloudlet.getSubmissionDelay();
      finished++;
    }
    if (finished != toy.requests()) {
      throw new IllegalStateException(
          "CloudSim Plus finished " + finished + " of " + toy.requests() + " cloudlets");
    }
    return new Played((System.nanoTime() - began) / 1e9, insideS / finished);
  }
}
