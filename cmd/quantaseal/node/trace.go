package node

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	vaulthttp "github.com/quantaseal/quantaseal/http"
)

// traceGrace is how long the last spans may take to leave when the node stops.
const traceGrace = 3 * time.Second

// openTraces makes every request a span, and what it does below, if there is an
// endpoint to send them to.
func (n *Node) openTraces(ctx context.Context, version string) error {
	if n.config.TraceEndpoint == "" {
		return nil
	}
	endpoint, err := url.JoinPath(n.config.TraceEndpoint, "v1", "traces")
	if err != nil {
		return fmt.Errorf("%w: OTEL_EXPORTER_OTLP_ENDPOINT does not parse", ErrMisconfigured)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint)) // the other OTEL_ variables it reads itself
	if err != nil {
		return fmt.Errorf("%w: exporting traces: %w", ErrMisconfigured, err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "quantaseal"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return fmt.Errorf("%w: OTEL_RESOURCE_ATTRIBUTES: %w", ErrMisconfigured, err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(discreet{exporter}), trace.WithResource(about))
	n.closes = append(n.closes, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceGrace)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			n.logger.WarnContext(ctx, "the last traces did not leave", "err", err) // no reason to fail
		}
		return nil
	})
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { n.logger.WarnContext(ctx, "exporting traces", "err", err) }))
	n.spans = &spans{provider.Tracer("quantaseal")}
	n.trace = func(s *vaulthttp.Server) {
		s.Span = n.spans.span
		s.Trace = otelgin.Middleware("", otelgin.WithTracerProvider(provider), otelgin.WithMeterProvider(noop.NewMeterProvider()),
			otelgin.WithPropagators(propagation.TraceContext{}), otelgin.WithSpanNameFormatter(vaulthttp.SpanName))
	}
	return nil
}

// told are the attributes that leave this process. The others that otelgin sets
// hold the path, addresses and user agents.
var told = []attribute.Key{
	factsKey,
	"http.request.method", "http.response.body.size", "http.response.status_code", "http.route", "network.protocol.version", "url.scheme",
}

// discreet exports spans without what callers put into them.
type discreet struct{ trace.SpanExporter }

// ExportSpans implements trace.SpanExporter.
func (d discreet) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	quiet := make([]trace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		quiet[i] = discreetSpan{s}
	}
	return d.SpanExporter.ExportSpans(ctx, quiet)
}

type discreetSpan struct{ trace.ReadOnlySpan }

// Attributes returns those that may be told.
func (s discreetSpan) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool {
		return !slices.Contains(told, a.Key)
	})
}

// Events returns nothing: an event may quote an error.
func (discreetSpan) Events() []trace.Event { return nil }

// SpanContext leaves out the caller's trace state, which is free text.
func (s discreetSpan) SpanContext() oteltrace.SpanContext {
	return s.ReadOnlySpan.SpanContext().WithTraceState(oteltrace.TraceState{})
}

// Parent does likewise.
func (s discreetSpan) Parent() oteltrace.SpanContext {
	return s.ReadOnlySpan.Parent().WithTraceState(oteltrace.TraceState{})
}
