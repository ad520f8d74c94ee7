namespace Strata.Sqlite;

/// <summary>Up to which commit those who watch have been told; what is beyond it, another process wrote.</summary>
internal sealed class SqliteKvSeen
{
    private ulong _last;

    /// <summary>Raises it.</summary>
    /// <returns>False: it was as high.</returns>
    public bool Raise(Versionstamp to)
    {
        for (ulong last = Volatile.Read(ref _last); to.Counter > last;)
        {
            ulong found = Interlocked.CompareExchange(ref _last, to.Counter, last);
            if (found == last) return true;
            last = found;
        }

        return false;
    }
}
