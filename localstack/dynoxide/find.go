package dynoxide

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// The names that npm packages give to platforms.
var (
	platforms     = map[string]string{"linux": "linux", "darwin": "darwin", "windows": "win32"}
	architectures = map[string]string{"amd64": "x64", "arm64": "arm64"}
)

// find is the path of the binary that npm installed for this platform.
func find() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", fmt.Errorf("find dynoxide: %w", err)
	}
	name := "dynoxide"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(root, "localstack", "node_modules", "@dynoxide",
		platforms[runtime.GOOS]+"-"+architectures[runtime.GOARCH], name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("dynoxide is not installed; run: npm ci --prefix localstack (%w)", err)
	}
	return path, nil
}

// moduleRoot is the nearest folder above the working directory that holds a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in the working directory or above it")
		}
		dir = parent
	}
}
