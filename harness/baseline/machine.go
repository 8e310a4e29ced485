package baseline

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
)

// Machine returns the class of this machine: operating system, architecture, how many
// processors this process may use, and their model. Figures in real time are compared on
// machines of one class only.
func Machine() string {
	model := ""
	if list, err := cpu.Info(); err == nil && len(list) > 0 {
		model = strings.Join(strings.Fields(list[0].ModelName), " ")
	}
	return fmt.Sprintf("%s/%s, %d × %s", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), cmp.Or(model, "unknown processor"))
}
