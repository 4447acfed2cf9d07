module github.com/bitdial/bitdial

go 1.25.0
