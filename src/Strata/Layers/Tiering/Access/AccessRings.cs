using System.Runtime.CompilerServices;

namespace Strata;

/// <summary>The rings of one tracker: one a thread that has used it, made at its first access and gone after its end.</summary>
internal sealed class AccessRings : IDisposable
{
    private static readonly Lock Places = new();
    private static readonly Stack<int> FreePlaces = new();
    private static int _placesTaken;
    private static int _trackers;

    /// <summary>This thread's rings, by the place of their tracker; one of a tracker that is gone is replaced when its place is used again.</summary>
    [ThreadStatic]
    private static AccessRing?[]? _mine;

    private readonly int _tracker = Interlocked.Increment(ref _trackers);
    private readonly int _place;
    private readonly Lock _gate = new();
    private AccessRing[] _all = [];

    /// <summary>Accesses in rings that are gone.</summary>
    private long _ended;
    private bool _isDisposed;

    public AccessRings()
    {
        lock (Places)
        {
            if (!FreePlaces.TryPop(out _place)) _place = _placesTaken++;
        }
    }

    /// <summary>How many threads have one.</summary>
    public int Count => Volatile.Read(ref _all).Length;

    /// <summary>How many accesses were added, those that were dropped among them; exact once those who add are quiet.</summary>
    public long Accesses
    {
        get
        {
            lock (_gate) return _ended + _all.Sum(ring => ring.Accesses);
        }
    }

    /// <summary>Adds an access to this thread's ring. Takes no lock but at the first access of a thread, and allocates nothing after it.</summary>
    /// <returns>True from time to time: there is enough to drain.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Add(in BlobKey key)
    {
        AccessRing?[]? mine = _mine;
        int place = _place;
        if (mine is null || (uint)place >= (uint)mine.Length || mine[place] is not { } ring || ring.Tracker != _tracker) ring = Enter();
        return !ring.Rests() && ring.Add(key);
    }

    /// <summary>Takes what all rings hold; to be called by one thread at a time.</summary>
    /// <returns>How many accesses were dropped.</returns>
    public long Drain(Action<BlobKey, float> note)
    {
        long dropped = 0;
        List<AccessRing>? ended = null;
        foreach (AccessRing ring in Volatile.Read(ref _all))
        {
            // Asked before: what a thread has added, it has added before its end.
            bool isAlive = ring.IsAlive;
            dropped += ring.Drain(note);
            if (!isAlive) (ended ??= []).Add(ring);
        }

        if (ended is not null)
        {
            lock (_gate)
            {
                // Closed meanwhile, they are counted already.
                _ended += _all.Intersect(ended).Sum(ring => ring.Accesses);
                _all = [.. _all.Except(ended)];
            }
        }

        return dropped;
    }

    /// <summary>Gives the place free. What is added later is lost.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _ended += _all.Sum(ring => ring.Accesses);
            _all = [];
        }

        lock (Places) FreePlaces.Push(_place);
    }

    private AccessRing Enter()
    {
        AccessRing?[] mine = _mine ?? [];
        if (mine.Length <= _place) Array.Resize(ref mine, _place + 1);
        var ring = new AccessRing(_tracker, Thread.CurrentThread);
        lock (_gate)
        {
            // Of a tracker that is gone the place may have another owner by now.
            if (_isDisposed) return ring;
            _all = [.. _all, ring];
        }

        _mine = mine;
        return mine[_place] = ring;
    }
}
