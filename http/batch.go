package http

import (
	"context"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/quantaseal/quantaseal/eventstore"
)

const (
	// maxBatch is how many items a batch has at most.
	maxBatch = 100
	// batchWidth is how many of them are worked on at a time: enough for their facts
	// to be written together, and not so many that one caller has the machine.
	batchWidth = 32
)

// batchRequest is what one route takes, several times.
type batchRequest[Req any] struct {
	Items []Req `json:"items"`
}

// outcome is what became of one item.
type outcome[Res any] struct {
	data    Res
	receipt eventstore.Receipt
	refusal *refusal // nil = it succeeded
}

// batch answers each item as handle would, in the order of the items. One that is
// refused stops no other, and says so in its place.
func batch[Req, Res any](s *Server, handle func(context.Context, *call, Req) (reply[Res], error)) func(context.Context, *call, batchRequest[Req]) (reply[batchAnswer[Res]], error) {
	return func(ctx context.Context, in *call, req batchRequest[Req]) (reply[batchAnswer[Res]], error) {
		if len(req.Items) == 0 || len(req.Items) > maxBatch {
			return reply[batchAnswer[Res]]{}, invalid("items must be 1 to 100")
		}
		if in.by.Bar() != "" { // one denial on the record says it for all
			_, err := handle(ctx, in, req.Items[0])
			return reply[batchAnswer[Res]]{}, err
		}
		answer := make(batchAnswer[Res], len(req.Items))
		var work errgroup.Group
		work.SetLimit(batchWidth)
		for i := range req.Items {
			work.Go(func() error {
				got, err := handle(ctx, in, req.Items[i])
				answer[i] = outcome[Res]{data: got.data, receipt: got.receipt}
				if err != nil {
					answer[i].refusal = refusalFor(err)
					if answer[i].refusal.status >= http.StatusInternalServerError {
						s.Log.ErrorContext(ctx, "an item of a batch failed", "request_id", in.by.Request.String(), "err", err)
					}
				}
				return nil
			})
		}
		_ = work.Wait() // every item has its own outcome
		var last eventstore.Receipt
		for _, o := range answer {
			if o.receipt.Position > last.Position {
				last = o.receipt
			}
		}
		return reply[batchAnswer[Res]]{data: answer, receipt: last}, nil
	}
}

// batchAnswer is what became of the items of a batch. It may hold secrets.
type batchAnswer[Res any] []outcome[Res]

func (a batchAnswer[Res]) room() int {
	room := roomForRest
	for _, o := range a {
		room += roomForRest
		if secret, ok := any(o.data).(secretAnswer); ok && o.refusal == nil {
			room += secret.room()
		}
	}
	return room
}

func (a batchAnswer[Res]) appendJSON(b []byte) (_ []byte, err error) {
	b = append(b, `{"results":[`...)
	for i, o := range a {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = o.appendJSON(b); err != nil {
			return b, err
		}
	}
	return append(b, `]}`...), nil
}

func (o outcome[Res]) appendJSON(b []byte) (_ []byte, err error) {
	if o.refusal != nil {
		return appendJSON(b, struct {
			Success bool           `json:"success"`
			Error   itemError      `json:"error"`
			Audit   *receipt       `json:"audit"`
			Data    map[string]any `json:"data"`
		}{Error: itemError{o.refusal.status, o.refusal.kind, o.refusal.message}})
	}
	b = append(b, `{"success":true,"error":null,"data":`...)
	if secret, ok := any(o.data).(secretAnswer); ok {
		b, err = secret.appendJSON(b)
	} else {
		b, err = appendJSON(b, o.data)
	}
	if err != nil {
		return b, err
	}
	if b, err = appendJSON(append(b, `,"audit":`...), receiptOf(o.receipt)); err != nil {
		return b, err
	}
	return append(b, '}'), nil
}

// itemError is why one item was refused.
type itemError struct {
	Code    int    `json:"code"`
	Type    string `json:"type"`
	Message string `json:"message"`
}
