//! Three SQL types that both databases have under another name, and the Rust types that they hold.
//!
//! | here | in Rust | PostgreSQL | SQLite |
//! |---|---|---|---|
//! | [`SqlId`] | [`Id`] | `uuid` | `BLOB` of 16 bytes |
//! | [`SqlTime`] | [`Time`] | `timestamptz` | `INTEGER`, microseconds since 1970 UTC |
//! | [`SqlJson`] | [`Json`] | `jsonb` | `TEXT` |

use std::fmt;
use std::io::Write;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Nullable, SqlType, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Time;
use crate::base::ids::Id;

#[derive(Clone, Copy, Debug, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct SqlId;

#[derive(Clone, Copy, Debug, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct SqlTime;

#[derive(Clone, Copy, Debug, QueryId, SqlType)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807), sqlite_type(name = "Text"))]
pub struct SqlJson;

/// A value that is stored as JSON.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// 2000-01-01, where PostgreSQL counts from, in microseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

macro_rules! value_of {
    ($sql:ty, $rust:ty $(, $t:ident: $($bound:tt)+)?) => {
        value_of!(@bind $sql, $rust $(, $t: $($bound)+)?);
        value_of!(@bind Nullable<$sql>, $rust $(, $t: $($bound)+)?);

        impl<DB: Backend $(, $t: $($bound)+)?> Queryable<$sql, DB> for $rust
        where
            $rust: FromSql<$sql, DB>,
        {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }

        impl<DB: Backend $(, $t: $($bound)+)?> ToSql<Nullable<$sql>, DB> for $rust
        where
            $rust: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                ToSql::<$sql, DB>::to_sql(self, out)
            }
        }
    };
    (@bind $sql:ty, $rust:ty $(, $t:ident: $($bound:tt)+)?) => {
        impl$(<$t: $($bound)+>)? AsExpression<$sql> for $rust {
            type Expression = Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'a $(, $t: $($bound)+)?> AsExpression<$sql> for &'a $rust {
            type Expression = Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
}

value_of!(SqlId, Id);
value_of!(SqlTime, Time);
value_of!(SqlJson, Json<T>, T: Serialize + DeserializeOwned + fmt::Debug);

impl ToSql<SqlId, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<SqlId, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<SqlId, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Id::from_slice(value.as_bytes()).ok_or_else(|| "an id has 16 bytes".into())
    }
}

impl FromSql<SqlId, Sqlite> for Id {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Id::from_slice(&bytes).ok_or_else(|| "an id has 16 bytes".into())
    }
}

impl ToSql<SqlTime, Pg> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.as_microsecond() - POSTGRES_EPOCH;
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<SqlTime, Sqlite> for Time {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.as_microsecond());
        Ok(IsNull::No)
    }
}

impl FromSql<SqlTime, Pg> for Time {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let bytes: [u8; 8] = value.as_bytes().try_into()?;
        let micros = i64::from_be_bytes(bytes).saturating_add(POSTGRES_EPOCH);
        Time::from_microsecond(micros).ok_or_else(|| "a time out of range".into())
    }
}

impl FromSql<SqlTime, Sqlite> for Time {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        Time::from_microsecond(micros).ok_or_else(|| "a time out of range".into())
    }
}

impl<T: Serialize + fmt::Debug> ToSql<SqlJson, Pg> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[1])?; // version of the jsonb wire format
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

impl<T: Serialize + fmt::Debug> ToSql<SqlJson, Sqlite> for Json<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}

impl<T: DeserializeOwned> FromSql<SqlJson, Pg> for Json<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((1, json)) => Ok(Self(serde_json::from_slice(json)?)),
            _ => Err("unknown version of jsonb".into()),
        }
    }
}

impl<T: DeserializeOwned> FromSql<SqlJson, Sqlite> for Json<T> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}
