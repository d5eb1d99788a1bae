package http

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

const maxFrames = 32

// recoverPanic turns a panic into the answer for a fault, and logs it once. If an
// answer had begun it cuts the connection instead, so that half an answer is
// never taken for a whole one.
func (s *Server) recoverPanic(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			exchangeOf(c).cut = true
			panic(http.ErrAbortHandler)
		}
		s.Log.ErrorContext(c.Request.Context(), "request panicked",
			"request_id", exchangeOf(c).id.String(), "route", route(c), "cause", describe(cause), "stack", stack())
		if c.Writer.Written() {
			exchangeOf(c).cut = true
			panic(http.ErrAbortHandler)
		}
		s.turnAway(c, errInternal, nil, nil)
	}()
	c.Next()
}

// describe says what a panic was about. Only the runtime's own errors are
// quoted: any other value may hold what the request held.
func describe(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", cause)
}

// stack returns function, file and line of the frames that panicked. It leaves
// out arguments, which debug.Stack would print.
func stack() []string {
	pcs := make([]uintptr, maxFrames)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var lines []string
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			lines = append(lines, f.Function+" "+f.File+":"+strconv.Itoa(f.Line))
		}
		if !more {
			return lines
		}
	}
}
