package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// plugin serves one resource on one socket of the kubelet's folder.
type plugin struct {
	api.UnimplementedDevicePluginServer
	options
	ids  []string // of all devices, as the kubelet knows them; fixed
	numa map[string]int
	done chan struct{}

	mu        sync.Mutex
	unhealthy map[string]bool // by UUID; never healthy again before a new start
	changed   chan struct{}   // closed and replaced whenever unhealthy grows
}

// uuidOf GPU-uuid::3 is GPU-uuid.
func uuidOf(id string) string {
	uuid, _, _ := strings.Cut(id, "::")
	return uuid
}

func newPlugin(o options, m *machine) *plugin {
	p := &plugin{options: o, numa: map[string]int{}, done: make(chan struct{}), unhealthy: map[string]bool{},
		changed: make(chan struct{})}
	for _, g := range m.gpus {
		p.numa[g.uuid] = g.numa
		if o.replicas < 2 {
			p.ids = append(p.ids, g.uuid)
		}
		for r := 0; o.replicas >= 2 && r < o.replicas; r++ {
			p.ids = append(p.ids, fmt.Sprintf("%s::%d", g.uuid, r))
		}
	}
	return p
}

func (p *plugin) devices() ([]*api.Device, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*api.Device
	for _, id := range p.ids {
		d := &api.Device{ID: id, Health: api.Healthy}
		if p.unhealthy[uuidOf(id)] {
			d.Health = api.Unhealthy
		}
		d.Topology = &api.TopologyInfo{Nodes: []*api.NUMANode{{ID: int64(p.numa[uuidOf(id)])}}}
		out = append(out, d)
	}
	return out, p.changed
}

// Xids that are the program's fault and not the GPU's.
var harmless = []int{13, 31, 43, 45, 68, 109}

// look marks GPUs with an Xid as unhealthy.
func (p *plugin) look(m *machine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range m.gpus {
		for _, x := range g.xids {
			if slices.Contains(harmless, x) || p.unhealthy[g.uuid] {
				continue
			}
			log.Printf("Xid %d: %s is unhealthy", x, g.uuid)
			p.unhealthy[g.uuid] = true
			close(p.changed)
			p.changed = make(chan struct{})
		}
	}
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{GetPreferredAllocationAvailable: true}, nil
}

func (p *plugin) PreStartContainer(context.Context, *api.PreStartContainerRequest) (*api.PreStartContainerResponse, error) {
	return &api.PreStartContainerResponse{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	for {
		devices, changed := p.devices()
		if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-p.done:
			return nil
		case <-stream.Context().Done():
			return nil
		}
	}
}

// GetPreferredAllocation reads the scenario afresh: NVIDIA's plugin asks the driver at each call. A panic in here is not
// caught and ends the process, there as here.
func (p *plugin) GetPreferredAllocation(_ context.Context, r *api.PreferredAllocationRequest) (*api.PreferredAllocationResponse, error) {
	out := &api.PreferredAllocationResponse{}
	for _, c := range r.ContainerRequests {
		m, err := readScenario(p.scenario)
		if err != nil {
			return nil, err
		}
		var ids []string
		if p.replicas < 2 {
			ids, err = m.preferred(c.AvailableDeviceIDs, c.MustIncludeDeviceIDs, int(c.AllocationSize))
		} else {
			ids, err = distributed(p.ids, c.AvailableDeviceIDs, c.MustIncludeDeviceIDs, int(c.AllocationSize))
		}
		if err != nil {
			log.Printf("preferred: %d of %v: %v", c.AllocationSize, c.AvailableDeviceIDs, err)
			return nil, fmt.Errorf("error getting list of preferred allocation devices: %w", err)
		}
		log.Printf("preferred: %d of %v: %v", c.AllocationSize, c.AvailableDeviceIDs, ids)
		out.ContainerResponses = append(out.ContainerResponses, &api.ContainerPreferredAllocationResponse{DeviceIDs: ids})
	}
	return out, nil
}

// Allocate names the GPUs in NVIDIA_VISIBLE_DEVICES: the device list strategy "envvar".
func (p *plugin) Allocate(_ context.Context, r *api.AllocateRequest) (*api.AllocateResponse, error) {
	out := &api.AllocateResponse{}
	for _, c := range r.ContainerRequests {
		var uuids []string
		for _, id := range c.DevicesIds {
			if !slices.Contains(p.ids, id) {
				return nil, fmt.Errorf("invalid allocation request for %q: unknown device: %s", p.resource, id)
			}
			if !slices.Contains(uuids, uuidOf(id)) {
				uuids = append(uuids, uuidOf(id))
			}
		}
		log.Printf("allocate: %v", c.DevicesIds)
		out.ContainerResponses = append(out.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(uuids, ",")}})
	}
	return out, nil
}

func dial(socket string) (*grpc.ClientConn, error) {
	return grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func (p *plugin) register() error {
	conn, err := dial(filepath.Join(p.dir, "kubelet.sock"))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = api.NewRegistrationClient(conn).Register(ctx, &api.RegisterRequest{Version: api.Version, Endpoint: p.endpoint,
		ResourceName: p.resource, Options: &api.DevicePluginOptions{GetPreferredAllocationAvailable: true}})
	return err
}

// serve serves and registers until stop says so (true), or until it has to begin again (false): the kubelet has emptied
// its folder and made a new socket.
func (p *plugin) serve(stop <-chan os.Signal) (bool, error) {
	socket := filepath.Join(p.dir, p.endpoint)
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return false, err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, p)
	p.done = make(chan struct{})
	go server.Serve(listener)
	defer os.Remove(socket)
	defer server.Stop()
	defer close(p.done)

	kubelet := filepath.Join(p.dir, "kubelet.sock")
	registeredWith, err := os.Stat(kubelet)
	if err != nil {
		return false, nil
	}
	if err := p.register(); err != nil {
		log.Printf("register: %v", err)
		return false, nil
	}
	log.Printf("registered %s with %d devices", p.resource, len(p.ids))
	for {
		select {
		case <-stop:
			return true, nil
		case <-time.After(200 * time.Millisecond):
		}
		// A new socket can have the number of the old one; the kubelet has then removed ours as well.
		now, err := os.Stat(kubelet)
		_, gone := os.Stat(socket)
		if err == nil && (gone != nil || !os.SameFile(now, registeredWith) || now.ModTime() != registeredWith.ModTime()) {
			log.Print("the kubelet has started anew")
			return false, nil
		}
		if m, err := readScenario(p.scenario); err == nil {
			p.look(m)
		}
	}
}
