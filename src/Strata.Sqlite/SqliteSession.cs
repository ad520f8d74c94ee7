using SQLitePCL;

namespace Strata.Sqlite;

/// <summary>A connection to a SQLite file. One thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>For <c>sqlite3_prepare_v3</c>: the statement lives long.</summary>
    private const uint Persistent = 1;

    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    private SqliteSession(sqlite3 handle, SqlitePlace place, string operation) => (_handle, Place, Operation) = (handle, place, operation);

    public SqlitePlace Place { get; }

    /// <summary>What it is used for, in messages.</summary>
    public string Operation { get; set; }

    public bool IsInTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>Rows that the last statement changed.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    /// <param name="place">The file.</param>
    /// <param name="flags">SQLite's, such as SQLITE_OPEN_READWRITE.</param>
    /// <param name="busyTimeout">How long to wait for others' locks.</param>
    /// <param name="operation">What it is used for.</param>
    /// <param name="uri">Instead of the path: the file with SQLite's parameters.</param>
    public static SqliteSession Open(SqlitePlace place, int flags, TimeSpan busyTimeout, string operation, string? uri = null)
    {
        _ = SqliteEngine.Version;
        int code = raw.sqlite3_open_v2(uri ?? place.Path, out sqlite3 handle, flags | raw.SQLITE_OPEN_NOMUTEX | (uri is null ? 0 : raw.SQLITE_OPEN_URI), null);
        var session = new SqliteSession(handle, place, operation);
        try
        {
            if (code != raw.SQLITE_OK) throw session.Fault(code);
            raw.sqlite3_extended_result_codes(handle, 1);
            raw.sqlite3_busy_timeout(handle, (int)busyTimeout.TotalMilliseconds);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Prepares a statement, which is disposed with the session.</summary>
    public SqliteStatement Prepare(string sql)
    {
        int code = raw.sqlite3_prepare_v3(_handle, sql, Persistent, out sqlite3_stmt handle);
        if (code != raw.SQLITE_OK) throw Fault(code);
        var statement = new SqliteStatement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs one statement.</summary>
    public void Execute(string sql)
    {
        SqliteStatement statement = Prepare(sql);
        statement.Run();
        _statements.Remove(statement);
        statement.Dispose();
    }

    /// <summary>The first column of the first row of one statement; null if there is none, or it is null.</summary>
    public string? Text(string sql)
    {
        SqliteStatement statement = Prepare(sql);
        string? text = statement.Step() ? statement.Text(0) : null;
        _statements.Remove(statement);
        statement.Dispose();
        return text;
    }

    /// <summary>The same of a number.</summary>
    public long Number(string sql) => long.Parse(Text(sql) ?? "0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Ends a transaction that failed, if there still is one.</summary>
    public void Rollback()
    {
        if (!IsInTransaction) return;

        // After some errors SQLite has done it by itself, or says here what it said before.
        raw.sqlite3_exec(_handle, "ROLLBACK");
    }

    public StorageException Fault(int code, WriteOutcome outcome = WriteOutcome.NotApplied)
    {
        int extended = _handle.IsInvalid ? code : raw.sqlite3_extended_errcode(_handle);
        string detail = _handle.IsInvalid ? raw.sqlite3_errstr(code).utf8_to_string() : raw.sqlite3_errmsg(_handle).utf8_to_string();
        return SqliteErrors.Of((extended & 0xFF) == (code & 0xFF) ? extended : code, detail, Operation, Place, outcome);
    }

    public void Dispose()
    {
        foreach (SqliteStatement statement in _statements) statement.Dispose();
        _statements.Clear();
        _handle.Dispose();
    }
}
