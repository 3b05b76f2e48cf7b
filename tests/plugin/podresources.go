package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// podresources prints a line for each container that holds devices: NAMESPACE/POD CONTAINER RESOURCE ID,ID...
func podresources(args []string) error {
	socket := "/var/lib/kubelet/pod-resources/kubelet.sock"
	switch len(args) {
	case 0:
	case 1:
		socket = args[0]
	default:
		return errors.New("usage: plugin podresources [SOCKET]")
	}
	conn, err := dial(socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	got, err := api.NewPodResourcesListerClient(conn).List(ctx, &api.ListPodResourcesRequest{})
	if err != nil {
		return err
	}
	var lines []string
	for _, pod := range got.PodResources {
		for _, c := range pod.Containers {
			held := map[string][]string{}
			for _, d := range c.Devices {
				held[d.ResourceName] = append(held[d.ResourceName], d.DeviceIds...)
			}
			for resource, ids := range held {
				slices.Sort(ids)
				lines = append(lines, fmt.Sprintf("%s/%s %s %s %s", pod.Namespace, pod.Name, c.Name, resource, strings.Join(ids, ",")))
			}
		}
	}
	slices.Sort(lines)
	for _, l := range lines {
		fmt.Println(l)
	}
	return nil
}
