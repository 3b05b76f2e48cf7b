// A stand-in for NVIDIA's device plugin on the kubelet's real device plugin API, for machines without a GPU: the GPUs
// come from a scenario file, the choices and the failures are those of NVIDIA's plugin with its "envvar" strategy.
//
//	plugin --scenario FILE [--replicas N] [--resource NAME] [--dir DIR] [--endpoint NAME]
//	plugin gpus FILE                 a line for each GPU of a scenario: INDEX UUID
//	plugin podresources [SOCKET]     which container holds which devices, in the kubelet's own words
//
// The scenario is read again while it runs: wires at each choice, Xids five times a second, GPUs when the kubelet starts.
// Ends with 0 on SIGTERM or SIGINT, and with 1 where NVIDIA's plugin would not start.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	scenario, resource, dir, endpoint string
	replicas                          int
}

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	if len(os.Args) > 1 && (os.Args[1] == "podresources" || os.Args[1] == "gpus") {
		tool := map[string]func([]string) error{"podresources": podresources, "gpus": listGPUs}[os.Args[1]]
		if err := tool(os.Args[2:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	var o options
	flag.StringVar(&o.scenario, "scenario", "", "the GPUs, a file")
	flag.StringVar(&o.resource, "resource", "nvidia.com/gpu", "the resource")
	flag.StringVar(&o.dir, "dir", "/var/lib/kubelet/device-plugins", "the kubelet's folder for plugins")
	flag.StringVar(&o.endpoint, "endpoint", "nvidia-gpu.sock", "this plugin's socket in it")
	flag.IntVar(&o.replicas, "replicas", 1, "time-slicing: devices for each GPU")
	flag.Parse()
	if flag.NArg() > 0 || o.scenario == "" || o.replicas < 1 || o.replicas > 64 {
		flag.Usage()
		os.Exit(2)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	for {
		p := start(o)
		stopped, err := p.serve(stop)
		if err != nil {
			log.Fatal(err)
		}
		if stopped {
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// start looks at the GPUs from the beginning: also when the kubelet has started anew, and what was unhealthy is forgotten.
func start(o options) *plugin {
	m, err := readScenario(o.scenario)
	if err != nil {
		log.Fatal(err)
	}
	for i, g := range m.gpus {
		if g.lost {
			log.Fatalf("error building device map: GPU %d is lost", i)
		}
	}
	p := newPlugin(o, m)
	p.look(m)
	return p
}

func listGPUs(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: plugin gpus FILE")
	}
	m, err := readScenario(args[0])
	if err != nil {
		return err
	}
	for i, g := range m.gpus {
		fmt.Println(i, g.uuid)
	}
	return nil
}
