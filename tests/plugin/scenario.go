package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// The GPUs of a scenario file, as the driver would report them at this moment. The file is the JSON of the node
// annotation tpguard.io/topology ("tpguard topology --synthetic ... --annotation" writes one); what NVML cannot say of a
// GPU there stands in two more keys of a GPU: "lost": true (every call answers "GPU is lost"; so does a GPU with a
// fault), and "xid": N (the driver has reported this Xid for it).

const (
	scenarioMax = 256 * 1024
	gpuMax      = 64
	lanesMax    = 36
)

// Levels of PCIe in the plugin's eyes, the better the larger; 0: the driver cannot tell.
var levels = map[string]int{"SYS": 10, "NODE": 20, "PHB": 30, "PXB": 40, "PIX": 50}

type gpu struct {
	uuid string
	numa int // -1: none
	lost bool
	xid  int // 0: none
}

// machine holds what is asked of NVML: for each ordered pair the PCIe level and the NVLink lanes that lead straight to
// the other GPU.
type machine struct {
	gpus  []gpu
	level [][]int
	lanes [][]int
}

type scenarioFile struct {
	Version  int         `json:"version"`
	NVSwitch bool        `json:"nvswitch"`
	Wires    [][]*string `json:"wires"`
	GPUs     []struct {
		Index *int   `json:"index"`
		UUID  string `json:"uuid"`
		NUMA  *int   `json:"numa"`
		Fault string `json:"fault"`
		Lost  bool   `json:"lost"`
		XID   int    `json:"xid"`
	} `json:"gpus"`
}

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
	m, err := parseScenario(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parseScenario(text []byte) (*machine, error) {
	var f scenarioFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	n := len(f.GPUs)
	if f.Version != 1 || n == 0 || n > gpuMax || len(f.Wires) != n {
		return nil, fmt.Errorf("wants version 1, 1 to %d GPUs and a row of wires for each", gpuMax)
	}
	m := &machine{level: make([][]int, n), lanes: make([][]int, n)}
	seen := map[string]bool{}
	for i, g := range f.GPUs {
		if g.Index == nil || *g.Index != i || !strings.HasPrefix(g.UUID, "GPU-") || seen[g.UUID] {
			return nil, fmt.Errorf("gpus[%d]: wants index %d and a UUID of its own", i, i)
		}
		seen[g.UUID] = true
		one := gpu{uuid: g.UUID, numa: -1, lost: g.Lost || g.Fault != "", xid: g.XID}
		if g.NUMA != nil {
			one.numa = *g.NUMA
		}
		m.gpus = append(m.gpus, one)
	}
	for i, row := range f.Wires {
		if len(row) != n {
			return nil, fmt.Errorf("wires[%d]: %d of %d cells", i, len(row), n)
		}
		m.level[i], m.lanes[i] = make([]int, n), make([]int, n)
		for j, word := range row {
			if err := m.wire(i, j, word, f.NVSwitch); err != nil {
				return nil, fmt.Errorf("wires[%d][%d]: %w", i, j, err)
			}
		}
	}
	return m, nil
}

func (m *machine) wire(i, j int, word *string, nvswitch bool) error {
	if i == j || word == nil {
		return nil
	}
	lanes, isLink := strings.CutPrefix(*word, "NV")
	if !isLink {
		if m.level[i][j] = levels[*word]; m.level[i][j] == 0 {
			return fmt.Errorf("no wire %q", *word)
		}
		return nil
	}
	n, err := strconv.Atoi(lanes)
	if err != nil || n < 1 || n > lanesMax {
		return fmt.Errorf("no wire %q", *word)
	}
	// The matrix says NVLink where it is better than PCIe. The level below is the same in both directions of a pair.
	m.level[i][j] = levels["SYS"]
	if a, b := m.gpus[i].numa, m.gpus[j].numa; a >= 0 && a == b {
		m.level[i][j] = levels["NODE"]
	}
	// Links to a switch name the switch, not a GPU.
	if !nvswitch {
		m.lanes[i][j] = n
	}
	return nil
}
