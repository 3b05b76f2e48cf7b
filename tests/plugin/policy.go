package main

import (
	"errors"
	"fmt"
)

// Which GPUs NVIDIA's device plugin prefers, with its failures: the "aligned" policy for whole GPUs, "distributed" for
// replicas of GPUs (time-slicing).

// hole fills up the last set of a partition.
const hole = -1

// width of the NVLink from GPU i to GPU j.
func (m *machine) width(i, j int) int {
	if m.gpus[i].mute {
		return 0
	}
	return m.lanes[i][j]
}

// pairScore is 100 for each NVLink lane and 10 to 50 for PCIe. Seen from i alone: 12 lanes one way and 8 the other are
// no contradiction for the plugin, but NVLink one way and none the other ends its process.
func (m *machine) pairScore(i, j int) int {
	if i == hole || j == hole {
		return 0
	}
	lanes := m.width(i, j)
	if (lanes > 0) != (m.width(j, i) > 0) {
		panic(fmt.Errorf("GPU %d and GPU %d disagree about the NVLink between them", i, j))
	}
	// It knows widths up to 18 and gives nothing for more.
	if lanes > 18 {
		return m.level[i][j]
	}
	return m.level[i][j] + 100*lanes
}

func (m *machine) setScore(set []int) int {
	score := 0
	for a := range set {
		for _, j := range set[a+1:] {
			score += m.pairScore(set[a], j)
		}
	}
	return score
}

// partitions calls visit with every way to divide gpus into sets of size, in a fixed order. Where the count is no
// multiple of size, one set is filled up with holes. visit must copy what it keeps.
func partitions(gpus []int, size int, visit func([][]int)) {
	if size == 1 {
		for _, g := range gpus {
			visit([][]int{{g}})
		}
		return
	}
	holes := (size - len(gpus)%size) % size
	all := append([]int(nil), gpus...)
	for range holes {
		all = append(all, hole)
	}
	var sets [][]int
	var divide func(left []int)
	divide = func(left []int) {
		if len(left) == size {
			visit(append(sets, left))
			return
		}
		choose(left[1:], size-1, func(others, rest []int) {
			set := append([]int{left[0]}, others...)
			if n := countHoles(set); n != 0 && n != holes {
				return
			}
			sets = append(sets, set)
			divide(rest)
			sets = sets[:len(sets)-1]
		})
	}
	divide(all)
}

func countHoles(set []int) int {
	n := 0
	for _, g := range set {
		if g == hole {
			n++
		}
	}
	return n
}

// choose calls take with every choice of k out of from, first positions first, and what is left.
func choose(from []int, k int, take func(chosen, rest []int)) {
	var chosen, rest []int
	var step func(at int)
	step = func(at int) {
		if len(chosen) == k {
			take(append([]int(nil), chosen...), append(append([]int(nil), rest...), from[at:]...))
			return
		}
		if len(from)-at < k-len(chosen) {
			return
		}
		chosen = append(chosen, from[at])
		step(at + 1)
		chosen = chosen[:len(chosen)-1]
		rest = append(rest, from[at])
		step(at + 1)
		rest = rest[:len(rest)-1]
	}
	step(0)
}

func contains(set, part []int) bool {
	for _, p := range part {
		found := false
		for _, g := range set {
			found = found || g == p
		}
		if !found {
			return false
		}
	}
	return true
}

// aligned answers with the best set of the best division of everything that is available, so that what is left over is
// good as well. The first of equals wins, and the kubelet names what is available in a random order: one GPU of several
// is a random one. The answer may hold a hole, on which the caller fails as the plugin does.
func (m *machine) aligned(available, required []int, size int) []int {
	if size <= 0 || len(available) < size || len(required) > size {
		return nil
	}
	var best [][]int
	bestScore := 0
	partitions(available, size, func(sets [][]int) {
		usable := false
		for _, s := range sets {
			usable = usable || countHoles(s) == 0 && contains(s, required)
		}
		if !usable {
			return
		}
		score := 0
		for _, s := range sets {
			score += m.setScore(s)
		}
		if best == nil || score > bestScore {
			best, bestScore = append([][]int(nil), sets...), score
		}
	})
	var chosen []int
	for _, s := range best {
		if contains(s, required) && (chosen == nil || m.setScore(s) > m.setScore(chosen)) {
			chosen = s
		}
	}
	return chosen
}

// preferred is the plugin's answer for device ids. It asks the driver about every GPU of the node each time, so one that
// is lost fails it for all.
func (m *machine) preferred(available, required []string, size int) ([]string, error) {
	for i, g := range m.gpus {
		if g.lost {
			return nil, fmt.Errorf("unable to get device link information: failed to get devices: error getting device handle for index '%d': GPU is lost", i)
		}
	}
	if m.fault != nil {
		if err := m.fault(); err != nil {
			return nil, err
		}
	}
	from, err := m.positions(available)
	if err != nil {
		return nil, fmt.Errorf("unable to retrieve list of available devices: %w", err)
	}
	must, err := m.positions(required)
	if err != nil {
		return nil, fmt.Errorf("unable to retrieve list of required devices: %w", err)
	}
	var ids []string
	for _, i := range m.aligned(from, must, size) {
		ids = append(ids, m.gpus[i].uuid)
	}
	return ids, nil
}

func (m *machine) positions(uuids []string) ([]int, error) {
	var out []int
	for _, u := range uuids {
		at := hole
		for i, g := range m.gpus {
			if g.uuid == u {
				at = i
			}
		}
		if at == hole {
			return nil, fmt.Errorf("no device with uuid: %v", u)
		}
		out = append(out, at)
	}
	return out, nil
}

// distributed takes replica by replica from the GPU of which the fewest are taken; of equals the one that this answer
// has taken least from.
func distributed(all, available, required []string, size int) ([]string, error) {
	free := map[string][]string{}
	var order []string
	for _, id := range available {
		if !containsText(required, id) {
			u := uuidOf(id)
			if free[u] == nil {
				order = append(order, u)
			}
			free[u] = append(free[u], id)
		}
	}
	taken, picked := map[string]int{}, map[string]int{}
	for _, id := range all {
		taken[uuidOf(id)]++
	}
	for u := range free {
		taken[u] -= len(free[u])
	}
	for _, id := range required {
		picked[uuidOf(id)]++
	}
	out := append([]string(nil), required...)
	for len(out) < size {
		best := ""
		for _, u := range order {
			if len(free[u]) > 0 && (best == "" || taken[u] < taken[best] || taken[u] == taken[best] && picked[u] < picked[best]) {
				best = u
			}
		}
		if best == "" {
			return nil, errors.New("not enough available devices to satisfy allocation")
		}
		last := len(free[best]) - 1
		out = append(out, free[best][last])
		free[best] = free[best][:last]
		taken[best]++
		picked[best]++
	}
	return out, nil
}

func containsText(list []string, text string) bool {
	for _, t := range list {
		if t == text {
			return true
		}
	}
	return false
}
