namespace Strata.Sqlite;

/// <summary>Up to which commit those who watch have been told; what is beyond it, another process wrote.</summary>
internal sealed class SqliteKvSeen
{
    private ulong _last;
    private bool _hasMissed;

    /// <summary>Those who watch know all up to here, but for what was missed.</summary>
    public void Raise(Versionstamp to)
    {
        for (ulong last = Volatile.Read(ref _last); to.Counter > last;)
        {
            ulong found = Interlocked.CompareExchange(ref _last, to.Counter, last);
            if (found == last) return;
            last = found;
        }
    }

    /// <summary>Before a commit of this process goes over it: whether another one wrote what nobody has looked at.</summary>
    public void Before(Versionstamp last)
    {
        if (last.Counter > Volatile.Read(ref _last)) Miss();
    }

    /// <summary>Somebody must look, whatever the last commit is.</summary>
    public void Miss() => Volatile.Write(ref _hasMissed, true);

    /// <summary>Whether somebody must look, once it is known which commit is the last.</summary>
    public bool TakeMissed(Versionstamp last) => Interlocked.Exchange(ref _hasMissed, false) || last.Counter > Volatile.Read(ref _last);
}
