package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The GPUs of a scenario file, as the driver would report them at this moment. The language is that of the stand-in NVML
// (tests/nvml/scenario.h), so one file serves the plugin and tpguard's agent: a fact a line. Words that change nothing
// for a device plugin (driver, memory, fabric, ...) are read over; an unknown word is an error.

const (
	scenarioMax = 64 * 1024
	gpuMax      = 128
	linksMax    = 36
)

// Levels of PCIe in the plugin's eyes, the better the larger.
var levels = map[string]int{"SYS": 10, "NODE": 20, "PHB": 30, "PXB": 40, "PIX": 50}

type gpu struct {
	uuid string
	numa int
	lost bool
	xids []int
	mute bool // no call about its links is supported
	used int  // link numbers given away
}

// machine holds what is asked of NVML: for each ordered pair the PCIe level and the NVLink lanes that lead straight to
// the other GPU.
type machine struct {
	gpus  []gpu
	links int // link numbers of a GPU
	level [][]int
	lanes [][]int
	fault func() error // what asking for the wires ends in, nil: nothing
}

// Calls with which the plugin asks for the wires, each for every GPU and in this order.
var asked = []string{"nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID",
	"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetTopologyCommonAncestor", "nvmlDeviceGetNvLinkState",
	"nvmlDeviceGetNvLinkRemotePciInfo_v2"}

func readScenario(path string) (*machine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, scenarioMax+1))
	if err != nil {
		return nil, err
	}
	if len(text) > scenarioMax {
		return nil, fmt.Errorf("%s: over %d bytes", path, scenarioMax)
	}
	m, err := parseScenario(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return m, nil
}

var errLine = errors.New("not understood")

func parseScenario(text string) (*machine, error) {
	m := &machine{}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := m.take(words[0], words[1:]); err != nil {
			return nil, fmt.Errorf("%d: %w", i+1, err)
		}
	}
	if len(m.gpus) == 0 {
		return nil, errors.New("1: no GPUs")
	}
	return m, nil
}

// number is words[i], 0 to most; absent where there is no such word.
func number(words []string, i, most, absent int) (int, error) {
	if i >= len(words) {
		return absent, nil
	}
	n, err := strconv.Atoi(words[i])
	if err != nil || n < 0 || n > most {
		return 0, errLine
	}
	return n, nil
}

// which GPU words[i] is; -1 for "all".
func (m *machine) which(words []string, i int) (int, error) {
	if i < len(words) && words[i] == "all" {
		return -1, nil
	}
	n, err := number(words, i, len(m.gpus)-1, gpuMax)
	if err != nil || n == gpuMax {
		return 0, errLine
	}
	return n, nil
}

func (m *machine) take(word string, words []string) error {
	switch word {
	case "driver", "memory", "speed", "remember", "unswitch", "fabric", "mig", "process", "errors", "action", "p2p", "absent":
		return nil
	case "gpus":
		return m.takeGPUs(words)
	case "links":
		n, err := number(words, 0, linksMax, 0)
		m.links = n
		return err
	case "switch": // links to a switch name the switch, not a GPU
		return m.give(-1, words, 0)
	case "bridge", "down", "blind", "level":
		return m.takePair(word, words)
	case "bus", "uuid", "lost", "xid":
		return m.takeGPU(word, words)
	case "fail", "hang", "crash":
		return m.takeFault(word, words)
	}
	return errLine
}

func (m *machine) takeGPUs(words []string) error {
	n, err := number(words, 0, gpuMax, 0)
	if err != nil || n == 0 || m.gpus != nil {
		return errLine
	}
	for i := range n {
		m.gpus = append(m.gpus, gpu{uuid: fmt.Sprintf("GPU-%08x-1111-2222-3333-444444444444", i)})
		m.level = append(m.level, slices.Repeat([]int{levels["NODE"]}, n))
		m.lanes = append(m.lanes, make([]int, n))
	}
	return nil
}

func (m *machine) takeGPU(word string, words []string) error {
	at, err := m.which(words, 0)
	if err != nil || at < 0 {
		return errLine
	}
	g := &m.gpus[at]
	switch word {
	case "bus":
		g.numa, err = number(words, 2, 1023, g.numa)
	case "uuid":
		if len(words) != 2 || !strings.HasPrefix(words[1], "GPU-") {
			return errLine
		}
		g.uuid = words[1]
	case "lost":
		g.lost = true
	case "xid":
		var x int
		x, err = number(words, 1, 1<<16, 0)
		g.xids = append(g.xids, x)
	}
	return err
}

// give takes words[i] link numbers of GPU at, or of all.
func (m *machine) give(at int, words []string, i int) error {
	n, err := number(words, i, linksMax, 0)
	for k := range m.gpus {
		if at < 0 || at == k {
			m.gpus[k].used += n
			if m.gpus[k].used > m.links {
				return errLine
			}
		}
	}
	return err
}

func (m *machine) takePair(word string, words []string) error {
	a, err := m.which(words, 0)
	b, err2 := m.which(words, 1)
	if err != nil || err2 != nil || a < 0 || b < 0 || a == b {
		return errLine
	}
	if word == "level" {
		if len(words) != 3 || levels[words[2]] == 0 {
			return errLine
		}
		m.level[a][b], m.level[b][a] = levels[words[2]], levels[words[2]]
		return nil
	}
	n, err := number(words, 2, linksMax, linksMax)
	if err != nil {
		return err
	}
	switch word {
	case "bridge":
		m.lanes[a][b] += n
		m.lanes[b][a] += n
		return errors.Join(m.give(a, words, 2), m.give(b, words, 2))
	case "down":
		m.lanes[b][a] = max(0, m.lanes[b][a]-n)
	}
	m.lanes[a][b] = max(0, m.lanes[a][b]-n)
	return nil
}

// takeFault: what the plugin does not ask has no effect. The plugin holds "not supported" (3) and "invalid argument" (2)
// about a link for "no link here".
func (m *machine) takeFault(word string, words []string) error {
	at, err := m.which(words, 1)
	if err != nil {
		return err
	}
	rc, err := number(words, 2, 999, 0)
	call := words[0]
	if err != nil || !slices.Contains(asked, call) || m.fault != nil || word == "fail" && rc == 0 {
		return err
	}
	if word == "fail" && (rc == 2 || rc == 3) && strings.Contains(call, "NvLink") {
		for i := range m.gpus {
			m.gpus[i].mute = m.gpus[i].mute || at < 0 || at == i
		}
		return nil
	}
	m.fault = func() error {
		switch word {
		case "hang":
			select {}
		case "crash":
			os.Exit(134) // as abort() would
		}
		return fmt.Errorf("unable to get device link information: %s: %d", call, rc)
	}
	return nil
}
