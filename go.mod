module github.com/bitdial/bitdial

go 1.25.0

require (
	github.com/x448/float16 v0.8.4 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
