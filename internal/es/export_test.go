package es

// ShapeOf is shapeOf.
func ShapeOf[S any]() uint32 { return shapeOf[S]() }
