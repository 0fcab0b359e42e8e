package app

import (
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/user"
)

// modules are the modules of the application. What only the commands of one need is added by
// the function that carries these out.
type modules struct {
	auth         auth.Module
	user         user.Module
	file         file.Module
	payment      payment.Module
	notification notification.Module
}

func (s system) modules(r es.Repository) *modules {
	x, views := es.Executor{Repository: r, Now: s.Now}, s.views(r)
	m := &modules{
		auth:         auth.Module{Executor: x, Views: views},
		user:         user.Module{Executor: x, Views: views},
		file:         file.Module{Executor: x, Views: views},
		payment:      payment.Module{Executor: x, Views: views},
		notification: notification.Module{Executor: x, Views: views},
	}
	m.user.Holdings = []user.Holding{&m.auth, &m.file, &m.payment, &m.notification}
	return m
}

// module is what every module tells about itself.
type module interface {
	Routes() []api.Route
	Projections() []projection.Projection
	Reactors() []projection.Projection
	Aggregates() []es.Folder
}

func (m *modules) all() []module {
	return []module{&m.auth, &m.user, &m.file, &m.payment, &m.notification}
}

// of collects what every module has of something.
func of[T any](m *modules, list func(module) []T) (all []T) {
	for _, one := range m.all() {
		all = append(all, list(one)...)
	}
	return all
}
