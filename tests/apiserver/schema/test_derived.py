"""Components that are derived from Go types."""

from __future__ import annotations

from tools.derive_schemas import Package

SOURCE = """
type Color string

// Thing is one.
// +k8s:x
type Thing struct {
	metav1.TypeMeta `json:""`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`

	// +required
	Spec ThingSpec `json:"spec,omitempty" protobuf:"bytes,2,opt,name=spec"`
}

type ThingSpec struct {
	// the color
	Color Color `json:"color" protobuf:"bytes,1,name=color"`
	// +optional
	Size *int32 `json:"size,omitempty" protobuf:"varint,2,opt,name=size"`

	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	// +optional
	Parts []Part `json:"parts" patchStrategy:"merge" patchMergeKey:"name" protobuf:"bytes,3,rep,name=parts"`

	Since metav1.Time `json:"since,omitempty" protobuf:"bytes,4,opt,name=since"`
	Other *Part `json:"other,omitempty" protobuf:"bytes,5,opt,name=other"`
	hidden int32
	Skipped string `json:"-"`
}

type Part struct {
	Name v1.ResourceName `json:"name" protobuf:"bytes,1,name=name"`
	Data []byte `json:"data,omitempty" protobuf:"bytes,2,opt,name=data"`
}
"""


def test_structs_become_components() -> None:
    made = Package("shop/v3", SOURCE).schemas()
    part = {"$ref": "#/components/schemas/io.k8s.api.shop.v3.Part"}
    assert made["io.k8s.api.shop.v3.Thing"]["required"] == ["spec"]
    assert made["io.k8s.api.shop.v3.Thing"]["x-kubernetes-group-version-kind"] == [
        {"group": "shop", "version": "v3", "kind": "Thing"}
    ]
    assert made["io.k8s.api.shop.v3.Thing"]["properties"]["spec"] == {
        "allOf": [{"$ref": "#/components/schemas/io.k8s.api.shop.v3.ThingSpec"}],
        "default": {},
    }
    assert made["io.k8s.api.shop.v3.ThingSpec"] == {
        "type": "object",
        "properties": {
            "color": {"type": "string"},
            "size": {"type": "integer", "format": "int32"},
            "parts": {
                "type": "array",
                "items": part,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": "name",
                "x-kubernetes-patch-strategy": "merge",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "since": {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Time"},
            "other": part,
        },
        "required": ["color"],
    }
    assert made["io.k8s.api.shop.v3.Part"]["properties"] == {
        "name": {"type": "string"},
        "data": {"type": "string", "format": "byte"},
    }
