//! How API types are defined, and [`Object`]: any of them, when the code does not care which.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use prost::Message;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

use crate::meta::ObjectMeta;
use crate::schema::{Schema, Shaped};

/// Defines an API type once for every use: a struct with protobuf (`prost`) and JSON (`serde`) forms as Go's types have
/// them, and its [`Schema`].
///
/// A field is `#[prost(…)] name: Type as "jsonName"`; it is left out of JSON when empty, as Go's `omitempty` does.
/// `name: Type => "jsonName"` is written even when empty. `{ merge: …, patch: … }` after it overrides
/// [`crate::schema::Field::new`].
macro_rules! object {
    (
        $(#[doc = $doc:literal])*
        pub struct $type:ident = $schema_name:literal $(($top:ident))? {
            $(
                $(#[doc = $field_doc:literal])*
                #[prost($($prost:tt)*)]
                $field:ident: $field_type:ty
                    $(as $json:literal)? $(=> $always:literal)? $({ $($option:ident: $value:expr),* })?,
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
        pub struct $type {
            $(
                $(#[doc = $field_doc])*
                #[prost($($prost)*)]
                $(#[serde(rename = $json, default, skip_serializing_if = "crate::object::is_empty",
                    deserialize_with = "crate::object::read")])?
                $(#[serde(rename = $always, default, deserialize_with = "crate::object::read")])?
                pub $field: $field_type,
            )*
        }

        impl $type {
            /// The fields of this type, as data.
            pub const SCHEMA: &'static crate::schema::Schema = &crate::schema::Schema {
                name: $schema_name,
                doc: &[$($doc),*],
                fields: &[$(
                    crate::schema::Field {
                        $($($option: $value,)*)?
                        ..crate::schema::Field::new(
                            concat!($($json)? $($always)?),
                            &[$($field_doc),*],
                            <$field_type as crate::schema::Shaped>::SHAPE,
                            false $(|| !$always.is_empty())?,
                        )
                    },
                )*],
                top_level: false $(|| crate::object::$top)?,
            };
        }

        impl crate::schema::Shaped for $type {
            const SHAPE: crate::schema::Shape = crate::schema::Shape::Object(Self::SCHEMA);
        }

        impl crate::object::Field for $type {
            fn is_empty(&self) -> bool {
                // Go never leaves out a struct, only a nil pointer to one.
                false
            }
        }
    };
}

/// What `(top_level)` in [`object!`] stands for.
#[allow(non_upper_case_globals)]
pub(crate) const top_level: bool = true;

/// A field's JSON form where it differs from serde's: what counts as empty, and `null` meaning the same as absent.
pub(crate) trait Field: Sized {
    /// Whether Go's `omitempty` leaves it out.
    fn is_empty(&self) -> bool;

    /// Reads a value; `null` is the empty one.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        Self: Deserialize<'de> + Default,
    {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }
}

pub(crate) fn is_empty<T: Field>(value: &T) -> bool {
    value.is_empty()
}

pub(crate) fn read<'de, D: Deserializer<'de>, T: Field + Deserialize<'de> + Default>(
    d: D,
) -> Result<T, D::Error> {
    T::read(d)
}

macro_rules! field {
    ($($ty:ty: |$value:ident| $empty:expr),* $(,)?) => {
        $(impl Field for $ty { fn is_empty(&self) -> bool { let $value = self; $empty } })*
    };
}

field! {
    String: |s| s.is_empty(),
    bool: |b| !*b,
    i32: |n| *n == 0,
    i64: |n| *n == 0,
    crate::Time: |t| t.is_zero(),
    crate::MicroTime: |t| t.is_zero(),
}

impl<T> Field for Option<T> {
    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T> Field for Vec<T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Field for BTreeMap<String, T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        Self: Deserialize<'de>,
    {
        // `null` for the whole map is the empty map.
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }
}

/// Something with a JSON and a protobuf form.
pub trait Encode {
    /// Appends the JSON object, without `kind` and `apiVersion`.
    fn write_json(&self, out: &mut Vec<u8>);

    /// How many bytes [`Encode::write_protobuf`] appends.
    fn protobuf_len(&self) -> usize;

    /// Appends the bare protobuf message, without an envelope.
    fn write_protobuf(&self, out: &mut Vec<u8>);
}

impl<T: Message + Serialize> Encode for T {
    fn write_json(&self, out: &mut Vec<u8>) {
        // Only a map with non-string keys or a failing writer could fail, and there is neither.
        serde_json::to_writer(out, self).expect("API types always have a JSON form");
    }

    fn protobuf_len(&self) -> usize {
        self.encoded_len()
    }

    fn write_protobuf(&self, out: &mut Vec<u8>) {
        self.encode(out).expect("a Vec grows as needed");
    }
}

/// A whole API object's type: it has metadata.
pub trait Kind:
    Message + fmt::Debug + Serialize + DeserializeOwned + Default + Clone + PartialEq + Shaped + 'static
{
    /// Its fields.
    const SCHEMA: &'static Schema;

    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;

    /// Its metadata, to change.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
}

macro_rules! kind {
    ($($type:ty),*) => { $(
        impl crate::Kind for $type {
            const SCHEMA: &'static crate::schema::Schema = <$type>::SCHEMA;
            fn metadata(&self) -> &crate::meta::ObjectMeta { &self.metadata }
            fn metadata_mut(&mut self) -> &mut crate::meta::ObjectMeta { &mut self.metadata }
        }
    )* };
}

/// Any API object.
pub trait Object: Encode + Any + fmt::Debug + Send + Sync {
    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;
    /// Its metadata, to change.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
    /// Its JSON form, without `kind` and `apiVersion`.
    fn to_value(&self) -> Value;
    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Object>;
    /// For [`dyn Object::downcast_ref`].
    fn as_any(&self) -> &dyn Any;
    /// For [`dyn Object::downcast_mut`].
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Kind> Object for T {
    fn metadata(&self) -> &ObjectMeta {
        Kind::metadata(self)
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        Kind::metadata_mut(self)
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("API types always have a JSON form")
    }

    fn boxed_clone(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl dyn Object {
    /// This object as a `T`, if it is one.
    #[must_use]
    pub fn downcast_ref<T: Kind>(&self) -> Option<&T> {
        self.as_any().downcast_ref()
    }

    /// This object as a `T` to change, if it is one.
    #[must_use]
    pub fn downcast_mut<T: Kind>(&mut self) -> Option<&mut T> {
        self.as_any_mut().downcast_mut()
    }
}

/// How objects of one type are read, when the type is chosen at run time.
#[derive(Clone, Copy)]
pub struct TypeCodec {
    /// The fields of the type.
    pub schema: &'static Schema,
    /// Reads the JSON object in one pass, telling of each unknown field; a duplicate field is an error here.
    pub(crate) from_json: FromJson,
    /// Reads the JSON form.
    pub(crate) from_value: fn(Value) -> serde_json::Result<Box<dyn Object>>,
    /// Reads the bare protobuf message.
    pub(crate) from_protobuf: fn(&[u8]) -> Result<Box<dyn Object>, prost::DecodeError>,
}

type FromJson =
    fn(&[u8], &mut dyn FnMut(serde_ignored::Path<'_>)) -> serde_json::Result<Box<dyn Object>>;

impl TypeCodec {
    /// The codec of `T`.
    #[must_use]
    pub const fn of<T: Kind>() -> Self {
        Self {
            schema: <T as Kind>::SCHEMA,
            from_json: |bytes, unknown| {
                let mut reader = serde_json::Deserializer::from_slice(bytes);
                let object: T = serde_ignored::deserialize(&mut reader, unknown)?;
                reader.end()?;
                Ok(Box::new(object))
            },
            from_value: |value| {
                serde_json::from_value::<T>(value).map(|object| Box::new(object) as Box<dyn Object>)
            },
            from_protobuf: |bytes| {
                T::decode(bytes).map(|object| Box::new(object) as Box<dyn Object>)
            },
        }
    }
}

impl fmt::Debug for TypeCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeCodec({})", self.schema.name)
    }
}
