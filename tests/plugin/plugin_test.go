package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// board makes n GPUs, "links" is "0-1:12 2>3:4": both ways, or one way only; all PCIe is SYS.
func board(t *testing.T, n int, links string) *machine {
	t.Helper()
	m := &machine{}
	for i := range n {
		m.gpus = append(m.gpus, gpu{uuid: fmt.Sprintf("GPU-%d", i)})
		m.level = append(m.level, slices.Repeat([]int{10}, n))
		m.lanes = append(m.lanes, make([]int, n))
		for _, l := range strings.Fields(links) {
			var a, b, lanes int
			var way rune
			if _, err := fmt.Sscanf(l, "%d%c%d:%d", &a, &way, &b, &lanes); err != nil {
				t.Fatal(l, err)
			}
			if i == a {
				m.lanes[a][b] = lanes
			}
			if i == b && way == '-' {
				m.lanes[b][a] = lanes
			}
		}
	}
	return m
}

func numbers(set []int) string {
	s := slices.Clone(set)
	slices.Sort(s)
	return strings.Trim(fmt.Sprint(s), "[]")
}

func TestAligned(t *testing.T) {
	cube := "0-1:1 0-2:1 0-3:2 0-4:2 1-2:2 1-3:1 1-5:2 2-3:2 2-6:1 3-7:1 4-5:1 4-6:1 4-7:2 5-6:2 5-7:1 6-7:2"
	for _, c := range []struct {
		n                   int
		links               string
		available, required []int
		size                int
		want                string
	}{
		{4, "2-3:12", []int{0, 1, 2, 3}, nil, 2, "2 3"},
		{4, "2-3:12", []int{0, 1}, nil, 2, "0 1"},
		{4, "0-1:12 2-3:12", []int{3, 0, 1}, nil, 2, "0 1"},
		{4, "0-1:12 2-3:12", []int{0, 2}, nil, 2, "0 2"},
		{4, "0-1:12 2-3:12", []int{2, 0, 1, 3}, nil, 1, "2"}, // the first that is named
		{4, "0-1:12 2-3:12", []int{0, 1, 2, 3}, []int{3}, 2, "2 3"},
		{4, "2-3:12", []int{0, 1, 2, 3}, []int{0, 1}, 2, "0 1"},
		{4, "0-1:12", []int{0, 1}, nil, 3, ""},
		{4, "0-1:12", []int{0, 1, 2}, []int{0, 1, 2}, 2, ""},
		{4, "", []int{0, 1, 2, 3}, nil, 0, ""},
		{8, cube, []int{0, 1, 2, 3, 4, 5, 6, 7}, nil, 4, "0 1 2 3"},
		{4, "2>3:12", []int{0, 2}, nil, 2, "0 2"}, // the contradiction is not looked at
		{4, "2-3:12 0-1:4", []int{0, 1, 2, 3}, nil, 4, "0 1 2 3"},
		{3, "0-1:19 0-2:18", []int{0, 1, 2}, nil, 2, "0 2"}, // more than 18 lanes are none
	} {
		got := board(t, c.n, c.links).aligned(c.available, c.required, c.size)
		if numbers(got) != c.want {
			t.Errorf("%d of %v (must %v) with %s: got %v, want %s", c.size, c.available, c.required, c.links, got, c.want)
		}
	}
}

// ends tells whether f panics, which ends the process of a plugin.
func ends(f func()) (ended bool) {
	defer func() { ended = recover() != nil }()
	f()
	return
}

func TestWhatEndsIt(t *testing.T) {
	ids := func(gpus ...int) (out []string) {
		for _, g := range gpus {
			out = append(out, fmt.Sprintf("GPU-%d", g))
		}
		return
	}
	for _, c := range []struct {
		n         int
		links     string
		available []string
		size      int
		ends      bool
	}{
		{4, "2>3:12", ids(0, 1, 2, 3), 2, true},
		{4, "2>3:12", ids(2, 3), 2, true}, // no choice, and looked at all the same
		{4, "2>3:12", ids(0, 1, 2, 3), 1, false},
		{4, "2>3:12", ids(0, 1, 2), 2, false},
		{4, "2-3:12 0-1:12", ids(0, 1, 2, 3), 2, false},
		// What is left over is linked better than any whole set, and is not a whole set.
		{5, "0-1:12", ids(0, 1, 2, 3, 4), 3, false},
		{5, "0-1:12", ids(4, 3, 2, 1, 0), 3, true},
	} {
		got := ends(func() {
			if _, err := board(t, c.n, c.links).preferred(c.available, nil, c.size); err != nil {
				t.Error(err)
			}
		})
		if got != c.ends {
			t.Errorf("%d of %v with %s: ends %v, want %v", c.size, c.available, c.links, got, c.ends)
		}
	}
	uneven := board(t, 2, "0>1:12 1>0:8")
	if ends(func() { uneven.aligned([]int{0, 1}, nil, 2) }) {
		t.Error("12 lanes one way and 8 the other end it")
	}
}

func TestFailures(t *testing.T) {
	m := board(t, 4, "0-1:12")
	if _, err := m.preferred([]string{"GPU-9"}, nil, 1); err == nil {
		t.Error("an unknown GPU is no failure")
	}
	m = board(t, 4, "0-1:12")
	m.gpus[3].lost = true
	if _, err := m.preferred([]string{"GPU-0", "GPU-1"}, nil, 1); err == nil {
		t.Error("a lost GPU elsewhere is no failure")
	}
}

func TestDistributed(t *testing.T) {
	all := []string{"GPU-0::0", "GPU-0::1", "GPU-1::0", "GPU-1::1"}
	got, err := distributed(all, all[1:], nil, 2)
	if err != nil || got[0] != "GPU-1::1" || len(got) != 2 {
		t.Error(got, err)
	}
	if got, err = distributed(all, all[:1], nil, 2); err == nil {
		t.Error(got)
	}
	if got, err = distributed(all, all, all[:1], 2); err != nil || got[0] != all[0] || uuidOf(got[1]) != "GPU-1" {
		t.Error(got, err)
	}
}

const four = "# four cards\ndriver 550\ngpus 4 NVIDIA H100 NVL\nlinks 18\nbus 3 e3 1\nbridge 0 1 12\nbridge 2 3 12\nlevel 0 2 SYS\n"

func TestScenario(t *testing.T) {
	m, err := parseScenario(four + "blind 2 3 4\nxid 1 79\nlost 3\nuuid 1 GPU-x\nfabric all none\n")
	if err != nil {
		t.Fatal(err)
	}
	if m.lanes[0][1] != 12 || m.lanes[2][3] != 8 || m.lanes[3][2] != 12 || m.level[2][0] != 10 || m.level[0][3] != 20 ||
		m.gpus[1].xids[0] != 79 || m.gpus[1].uuid != "GPU-x" || !m.gpus[3].lost || m.gpus[3].numa != 1 {
		t.Errorf("%+v", m)
	}
	if m, err = parseScenario(four + "down 0 1"); err != nil || m.lanes[0][1]+m.lanes[1][0] != 0 {
		t.Error("down", err)
	}
	if m, err = parseScenario("gpus 2 x\nlinks 18\nswitch 18"); err != nil || m.lanes[0][1] != 0 {
		t.Error("links to a switch lead to no GPU", err)
	}
	if m, err = parseScenario(four + "fail nvmlDeviceGetNvLinkState 2 3"); err != nil || !m.gpus[2].mute || m.fault != nil {
		t.Error("not supported is no link", err)
	}
	if m, err = parseScenario(four + "fail nvmlDeviceGetNvLinkState 2 15\nfail nvmlDeviceGetName all 1"); err != nil || m.fault() == nil {
		t.Error("a call that fails", err)
	}
	for _, bad := range []string{"", "driver 1", "gpus 0 x", "gpus 129 x", "gpus 1 x\ngpus 1 x", four + "what", four + "lost 4",
		four + "level 0 0 SYS", four + "level 0 1 NEAR", four + "bridge 0 2 7", four + "xid 0 -1", four + "uuid 0", four + "fail x"} {
		if _, err := parseScenario(bad); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}
