package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the product as a process of its own.
type server struct {
	command *exec.Cmd
	addr    string
	log     *os.File
}

func startServer(ctx context.Context, s settings, engine, dir string) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, s.binary)
	command.Env = append(os.Environ(), "QUANTASEAL_ADDR="+addr, "QUANTASEAL_DATA="+dir, "QUANTASEAL_LOG_LEVEL=warn", "QUANTASEAL_DATABASE_URL=",
		"QUANTASEAL_RATE_LIMIT=10000000", "QUANTASEAL_AUTH_RATE_LIMIT=10000000") // counted, as in production, and never reached
	if engine == "postgres" {
		command.Env = append(command.Env, "QUANTASEAL_DATABASE_URL="+s.postgres)
	}
	if s.profile != "" {
		command.Env = append(command.Env, "QUANTASEAL_CPU_PROFILE="+filepath.Join(s.profile, engine+".pprof"))
	}
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 20 * time.Second
	if err := command.Start(); err != nil {
		return nil, err
	}
	v := &server{command, addr, log}
	for range 300 {
		if answer, err := http.Get("http://" + addr + "/health"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return v, nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	v.stop()
	text, _ := os.ReadFile(log.Name())
	return nil, fmt.Errorf("the server did not become healthy:\n%s", text)
}

func (v *server) stop() {
	_ = v.command.Process.Signal(syscall.SIGTERM)
	_ = v.command.Wait()
	_ = v.log.Close()
}

// cpu returns the processor time that the server has used.
func (v *server) cpu() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", v.command.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on every Linux
}

// peak returns the largest resident size that the server has had, in MB.
func (v *server) peak() float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
