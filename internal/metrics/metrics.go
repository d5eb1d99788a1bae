// Package metrics shows what a node does to Prometheus.
//
// Its one law: a label has few values, all of them known to this program. None is
// a tenant, an address, a path, or anything else that a caller chose.
package metrics

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Meter counts what happens and asks Sources for the rest. Its methods may be
// called from any number of goroutines. Make one with New.
type Meter struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	running  prometheus.Gauge
	kms      *prometheus.HistogramVec
	kmsFails *prometheus.CounterVec
}

// buckets reach from what memory answers to what a timeout ends, in seconds.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// New returns a Meter of a node of some version.
func New(version string, sources Sources) *Meter {
	m := &Meter{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "quantaseal_http_requests_total", Help: "Requests answered, by status class; cut = the answer broke off.",
		}, []string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "quantaseal_http_request_duration_seconds", Help: "From the request's header to the end of its answer.", Buckets: buckets,
		}, []string{"method", "route"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "quantaseal_http_requests_in_flight", Help: "Requests that are being served.",
		}),
		kms: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "quantaseal_kms_call_duration_seconds", Help: "Calls to the key management service.", Buckets: buckets,
		}, []string{"call"}),
		kmsFails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "quantaseal_kms_call_failures_total", Help: "Calls that it refused or did not answer.",
		}, []string{"call"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "quantaseal_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.running, m.kms, m.kmsFails, build, &figures{sources},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Began counts a request that is being served.
func (m *Meter) Began() { m.running.Inc() }

// Ended counts how it ended; status 0 is an answer that broke off. Method and
// route must be of few values.
func (m *Meter) Ended(method, route string, status int, took time.Duration) {
	class := "cut"
	if status > 0 {
		class = strconv.Itoa(status/100) + "xx"
	}
	m.running.Dec()
	m.requests.WithLabelValues(method, route, class).Inc()
	m.took.WithLabelValues(method, route).Observe(took.Seconds())
}

// KMSCalled counts a call to the key management service.
func (m *Meter) KMSCalled(call string, took time.Duration, err error) {
	m.kms.WithLabelValues(call).Observe(took.Seconds())
	if err != nil {
		m.kmsFails.WithLabelValues(call).Inc()
	}
}

// How long Prometheus may take for its own request, and for the answer.
const (
	headerTimeout = 5 * time.Second
	answerTimeout = 15 * time.Second
	scrapers      = 4 // at the same time
)

// Server returns the server that answers GET /metrics and nothing else. The
// caller gives it a listener that only this machine reaches.
func (m *Meter) Server(logger *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: scrapers,
	}))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: answerTimeout, IdleTimeout: answerTimeout * 4,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
