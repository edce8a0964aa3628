//! How API types are defined, and [`Object`]: any of them, when the code does not care which.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use prost::Message;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::codec::json::{TypeMeta, WithTypeMeta};
use crate::meta::ObjectMeta;
use crate::schema::{Schema, Shaped};

/// Defines an API type once for every use: a struct with protobuf (`prost`) and JSON (`serde`) forms as Go's types have
/// them, and its [`Schema`].
///
/// A field is `#[prost(…)] name: Type as "jsonName"`; it is left out of JSON when empty, as Go's `omitempty` does.
/// `name: Type => "jsonName"` is written even when empty. `{ merge: …, patch: … }` after it overrides
/// [`crate::schema::Field::new`].
///
/// serde takes no unknown field: that is the quick way of finding that there is one. Where they are to be told of or
/// passed over, [`crate::codec`] takes them out along the schema first.
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
        #[serde(remote = "Self", deny_unknown_fields)]
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
                        .on_the_wire(
                            stringify!($($prost)*),
                            concat!("\"", $($json)? $($always)?, "\":"),
                            false $(|| !$always.is_empty())?,
                        )
                    },
                )*],
                top_level: false $(|| crate::object::$top)?,
            };
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(crate::object::OnlyMap(deserializer))
            }
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

pub(crate) fn read<'de, D: Deserializer<'de>, T: Field + Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
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

impl<T: DeserializeOwned + Default> Field for BTreeMap<String, T> {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        Self: Deserialize<'de>,
    {
        Option::<UniqueKeys<T>>::deserialize(deserializer).map(|map| map.map_or_else(Self::new, |unique| unique.0))
    }
}

/// A map in which a key that occurs twice is an error, as a field that occurs twice is: the thorough reading then tells
/// of it. `null` is the empty value.
struct UniqueKeys<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for UniqueKeys<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Entries<T> {
            type Value = UniqueKeys<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some((key, value)) = entries.next_entry::<String, Option<T>>()? {
                    if map.insert(key, value.unwrap_or_default()).is_some() {
                        return Err(A::Error::custom("duplicate field"));
                    }
                }
                Ok(UniqueKeys(map))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Reads structs from maps only: serde's own reading of a struct would take a list of its fields' values as well.
pub(crate) struct OnlyMap<T>(pub(crate) T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OnlyMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(OnlyMap(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, OnlyMap(visitor))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OnlyMap<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(map)
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

    /// See [`Object::changed_values`].
    fn changed_values(&self, _old: &Self) -> Option<ChangedValues> {
        None
    }
}

/// Paths of fields, from the object's root.
pub type ChangedValues = Vec<&'static [&'static str]>;

macro_rules! kind {
    ($type:ty $(, changed_values: $changed:expr)?) => {
        impl crate::Kind for $type {
            const SCHEMA: &'static crate::schema::Schema = <$type>::SCHEMA;
            fn metadata(&self) -> &crate::meta::ObjectMeta { &self.metadata }
            fn metadata_mut(&mut self) -> &mut crate::meta::ObjectMeta { &mut self.metadata }
            $(fn changed_values(&self, old: &Self) -> Option<crate::ChangedValues> { $changed(self, old) })?
        }
    };
}

/// Any API object.
pub trait Object: Encode + Any + fmt::Debug + Send + Sync {
    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;
    /// Its metadata, to change.
    fn metadata_mut(&mut self) -> &mut ObjectMeta;
    /// The fields whose values differ from those of `old`, metadata that nobody owns aside, if that is quickly told: the
    /// same fields are set in both, and both are of a type that changes often. For working out managed fields.
    fn changed_values(&self, old: &dyn Object) -> Option<ChangedValues>;
    /// Its JSON form, without `kind` and `apiVersion`.
    fn to_value(&self) -> Value;
    /// For the encoders.
    fn as_encode(&self) -> &dyn Encode;
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

    fn changed_values(&self, old: &dyn Object) -> Option<ChangedValues> {
        old.downcast_ref().and_then(|old| Kind::changed_values(self, old))
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("API types always have a JSON form")
    }

    fn as_encode(&self) -> &dyn Encode {
        self
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
    /// Reads a whole object, with what it says it is, in one pass; an unknown or a duplicate field is an error here.
    pub(crate) from_json: FromJson,
    /// Reads the JSON form.
    pub(crate) from_value: fn(Value) -> serde_json::Result<Box<dyn Object>>,
    /// Reads the bare protobuf message.
    pub(crate) from_protobuf: FromProtobuf,
}

type FromProtobuf = fn(&[u8]) -> Result<Box<dyn Object>, prost::DecodeError>;
type FromJson = for<'a> fn(&'a str, &mut TypeMeta<'a>) -> serde_json::Result<Box<dyn Object>>;

impl TypeCodec {
    /// The codec of `T`.
    #[must_use]
    pub const fn of<T: Kind>() -> Self {
        Self {
            schema: <T as Kind>::SCHEMA,
            from_json: |text, type_meta| {
                let mut reader = serde_json::Deserializer::from_str(text);
                let object = T::deserialize(WithTypeMeta::new(&mut reader, type_meta))?;
                reader.end()?;
                Ok(Box::new(object))
            },
            from_value: |value| serde_json::from_value::<T>(value).map(|object| Box::new(object) as Box<dyn Object>),
            from_protobuf: |bytes| T::decode(bytes).map(|object| Box::new(object) as Box<dyn Object>),
        }
    }
}

impl fmt::Debug for TypeCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeCodec({})", self.schema.name)
    }
}
