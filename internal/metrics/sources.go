package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quantaseal/quantaseal/eventstore"
	"github.com/quantaseal/quantaseal/internal/listen"
)

// Sources are asked at each scrape. All are required.
type Sources struct {
	Log         func() eventstore.Figures
	Last        func() (eventstore.Position, error) // of the store
	Shown       func() eventstore.Position          // what the read models have reached
	Standstill  func() error                        // why the read models do not go on, or nil
	Connections func() listen.Figures
}

// figures turns what Sources say into metrics.
type figures struct{ Sources }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("quantaseal_"+name, help, labels, nil)
}

var (
	appended   = describe("facts_appended_total", "Facts that this node made durable, by type.", "type")
	batches    = describe("append_batch_facts", "Facts written together.")
	waiting    = describe("appends_waiting", "Appends that are not durable yet.")
	chains     = describe("chains_at_hand", "Chains that this node can go on with at once.")
	lag        = describe("projections_lag_facts", "Facts that the read models of this node do not show yet.")
	standstill = describe("projections_stand_still", "1 while a fault keeps the read models from going on.")
	opened     = describe("connections_open", "Connections of clients.")
	refused    = describe("connections_refused_total", "Connections closed unread, beyond a limit.")
	evicted    = describe("connections_evicted_total", "Connections closed for newer ones while no request came.")
)

// Describe implements prometheus.Collector.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{appended, batches, waiting, chains, lag, standstill, opened, refused, evicted} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) { to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	log := f.Log()
	facts := uint64(0)
	for name, n := range log.Appended {
		count(appended, n, name)
		facts += n
	}
	sizes, all := map[float64]uint64{}, uint64(0)
	for i, n := range log.Batches {
		all += n
		sizes[float64(eventstore.BatchSizes[i])] = all
	}
	to <- prometheus.MustNewConstHistogram(batches, all, float64(facts), sizes)
	gauge(waiting, float64(log.Waiting))
	gauge(chains, float64(log.Chains))

	shown := f.Shown()
	if last, err := f.Last(); err != nil {
		to <- prometheus.NewInvalidMetric(lag, err)
	} else {
		gauge(lag, float64(max(last-shown, 0)))
	}
	stands := 0.0
	if f.Standstill() != nil {
		stands = 1
	}
	gauge(standstill, stands)

	connections := f.Connections()
	gauge(opened, float64(connections.Open))
	count(refused, connections.Refused)
	count(evicted, connections.Evicted)
}
