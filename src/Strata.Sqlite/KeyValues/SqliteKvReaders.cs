namespace Strata.Sqlite;

/// <summary>The connections that read: opened as they are needed, up to a number; beyond it callers wait, without a thread.</summary>
internal sealed class SqliteKvReaders(Func<SqliteKvReader> open, int most) : IDisposable
{
    private readonly SemaphoreSlim _free = new(most);
    private readonly Lock _latch = new();
    private readonly Stack<SqliteKvReader> _idle = [];

    public async ValueTask<SqliteKvReader> TakeAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_latch)
            {
                if (_idle.TryPop(out SqliteKvReader? idle)) return idle;
            }

            return open();
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <param name="reader">What was taken.</param>
    /// <param name="isSound">False: something failed on it, and it is not used again.</param>
    public void Return(SqliteKvReader reader, bool isSound)
    {
        if (isSound)
        {
            lock (_latch) _idle.Push(reader);
        }
        else
        {
            reader.Dispose();
        }

        _free.Release();
    }

    public void Dispose()
    {
        foreach (SqliteKvReader reader in _idle) reader.Dispose();
        _idle.Clear();
        _free.Dispose();
    }
}
