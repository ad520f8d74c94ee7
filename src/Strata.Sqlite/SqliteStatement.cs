using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>A prepared statement. Parameters count from 1, columns from 0; what a column holds is valid until the next step.</summary>
internal sealed class SqliteStatement(SqliteSession session, sqlite3_stmt handle) : IDisposable
{
    public void Bind(int parameter, ReadOnlySpan<byte> bytes)
    {
        // An empty span has no address, and no address means null.
        int code = bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, parameter, 0) : raw.sqlite3_bind_blob(handle, parameter, bytes);
        if (code != raw.SQLITE_OK) throw session.Fault(code);
    }

    public void Bind(int parameter, long? number)
    {
        int code = number is { } value ? raw.sqlite3_bind_int64(handle, parameter, value) : raw.sqlite3_bind_null(handle, parameter);
        if (code != raw.SQLITE_OK) throw session.Fault(code);
    }

    /// <summary>Goes to the next row.</summary>
    /// <returns>False: there is none, and the statement is ready to be run again.</returns>
    public bool Step()
    {
        int code = raw.sqlite3_step(handle);
        if (code == raw.SQLITE_ROW) return true;
        if (code == raw.SQLITE_DONE)
        {
            Reset();
            return false;
        }

        StorageException fault = session.Fault(code);
        Reset();
        throw fault;
    }

    /// <summary>Runs it to its end.</summary>
    public void Run()
    {
        while (Step())
        {
        }
    }

    /// <summary>Makes it ready to be run again.</summary>
    public void Reset() => raw.sqlite3_reset(handle);

    public long Int64(int column) => raw.sqlite3_column_int64(handle, column);

    public long? NullableInt64(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL ? null : Int64(column);

    public ReadOnlySpan<byte> Blob(int column) => raw.sqlite3_column_blob(handle, column);

    public string? Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string();

    public void Dispose() => handle.Dispose();
}
