package instance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"beanpole/internal/docker"
)

// capabilities of every process on an instance: those of container engines,
// without raw sockets, device nodes and audit records.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_BIND_SERVICE",
	"CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// maskedPaths and readonlyPaths are what container engines keep from containers.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// cachePath is where Go on the instance keeps what it has compiled. On EC2 every
// instance starts without; here compiling the standard library anew for each
// would take most of the time of a deployment.
const cachePath = "/var/cache/go-build"

// searchPath is PATH on an instance.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ociSpec is the container of one instance.
func (i *Instance) ociSpec(s *Spec) (*specs.Spec, error) {
	o := &specs.Spec{
		Version:  "1.0.2", // the newest that runc 1.1 reads
		Hostname: i.hostname,
		Root:     &specs.Root{Path: i.root()},
		Process: &specs.Process{
			Cwd:  "/",
			Args: append([]string{programPath}, s.Args...),
			Env:  []string{searchPath, "LANG=C.UTF-8"},
		},
		Mounts: mounts(s),
		Linux: &specs.Linux{
			CgroupsPath: "/beanpole-" + i.place.Token,
			Resources:   resources(s),
		},
	}
	if i.docker != nil {
		o.Mounts = append(o.Mounts, specs.Mount{Destination: docker.Socket, Type: "bind", Source: mountpointsOf(i.place.Token).socket(),
			Options: []string{"bind", "rw", "nosuid", "nodev", "noexec", "private"}})
	}
	return o, i.confine(o, ourFile(uintptr(i.network)))
}

// confine gives a container of this instance, or beside it, the namespaces,
// users and limits of what it may do; the network is a file that stands for its
// namespace.
func (i *Instance) confine(o *specs.Spec, network string) error {
	o.Process.Capabilities = &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities}
	// As on EC2, su and sudo work: what they gain stays inside capabilities.
	o.Process.NoNewPrivileges = false
	o.Linux.MaskedPaths, o.Linux.ReadonlyPaths = maskedPaths, readonlyPaths
	o.Linux.Namespaces = []specs.LinuxNamespace{
		{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.IPCNamespace},
		{Type: specs.UTSNamespace}, {Type: specs.CgroupNamespace},
		{Type: specs.NetworkNamespace, Path: network},
	}
	if i.users != nil {
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: i.users.base, Size: usersOfOne}}
		o.Linux.UIDMappings, o.Linux.GIDMappings = ids, ids
		o.Linux.Namespaces = append(o.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace, Path: ourFile(i.users.space.Fd())})
	}
	filter, err := seccomp.GetDefaultProfile(o)
	if err != nil {
		return fmt.Errorf("make seccomp profile: %w", err)
	}
	// runc makes the filter anew for each instance and architecture. Amazon Linux
	// has no packages for x32: the kernel ends a program that calls it so.
	filter.Architectures = slices.DeleteFunc(filter.Architectures, func(a specs.Arch) bool { return a == specs.ArchX32 })
	o.Linux.Seccomp = filter
	return nil
}

// ourFile is where another process finds a file that is open here.
func ourFile(fd uintptr) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd) }

// Default limits of one instance. Without them a fork bomb or a leak in a
// bundle would take the developer's machine along.
const (
	mostProcesses = 2048
	leastMemory   = 512 << 20 // bytes, also on a very small machine
)

// resources are the instance's limits; it gets no device but those that a
// runtime gives to every container.
func resources(s *Spec) *specs.LinuxResources {
	pids, memory := s.Processes, s.Memory
	if pids == 0 {
		pids = mostProcesses
	}
	if memory == 0 {
		memory = halfOfMemory()
	}
	return &specs.LinuxResources{
		Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		Pids:    &specs.LinuxPids{Limit: &pids},
		Memory:  &specs.LinuxMemory{Limit: &memory},
	}
}

// halfOfMemory is half of this machine's memory in bytes.
func halfOfMemory() int64 {
	var i unix.Sysinfo_t
	if err := unix.Sysinfo(&i); err != nil {
		return leastMemory
	}
	return max(int64(uint64(i.Totalram)*uint64(i.Unit)/2), leastMemory)
}

func mounts(s *Spec) []specs.Mount {
	all := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=755"}},
		{Destination: programPath, Type: "bind", Source: s.Binary, Options: []string{"bind", "ro", "nosuid", "nodev", "private"}},
	}
	if s.Cache != "" {
		all = append(all, specs.Mount{Destination: cachePath, Type: "bind", Source: s.Cache, Options: []string{"bind", "rw", "nosuid", "nodev", "private"}})
	}
	return all
}

// writeBundle writes the folder that runc starts from.
func writeBundle(dir string, o *specs.Spec) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write container configuration: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
}
