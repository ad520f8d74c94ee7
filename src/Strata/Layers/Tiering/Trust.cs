using System.Collections.Concurrent;

namespace Strata;

/// <summary>
/// What the origin is known to hold, and so which copies above it may be served without asking (CONSISTENCY 4): a copy is
/// trusted if it is the very write, by ETag and version, that the origin was seen to hold in this trust epoch and, where others
/// write too, less than the time of freshness ago.
/// </summary>
/// <remarks>
/// It is about writes and not about tiers: a copy that a tier failed to drop, or that a late fill brought back, is another write
/// than the known one, and so is compared with the origin before it is served. Kept in memory alone: an opening begins an epoch.
/// In bounded memory: what is forgotten costs a question to the origin, never a wrong answer.
/// </remarks>
/// <param name="clock">Time is counted on its monotonic clock, from before the origin was asked.</param>
/// <param name="freshFor">How long an answer lasts; null where nobody else writes.</param>
internal sealed class Trust(TimeProvider clock, TimeSpan? freshFor)
{
    private const int MostWrites = 1 << 18;
    private readonly long _freshFor = freshFor is { } time ? (long)(time.TotalSeconds * clock.TimestampFrequency) : 0;
    private readonly ConcurrentDictionary<BlobKey, Known> _known = new();
    private FreshEntries? _entries = freshFor is null ? null : new FreshEntries();
    private int _count;
    private int _epoch;

    /// <summary>True where time alone ends trust, because others write too.</summary>
    public bool Lapses => freshFor is not null;

    /// <summary>A load of the origin that began before this moment is too old to be joined.</summary>
    public long OldestLoad => Lapses ? clock.GetTimestamp() - _freshFor : long.MinValue;

    /// <summary>To be taken before the origin is asked.</summary>
    public TrustStamp Now() => new(Lapses ? clock.GetTimestamp() + _freshFor : long.MaxValue, Volatile.Read(ref _epoch));

    /// <summary>Notes what the origin holds. Under the key's fence, or while a fill of it is published.</summary>
    public void Confirm(BlobInfo write, TrustStamp stamp)
    {
        if (stamp.Epoch != Volatile.Read(ref _epoch)) return;
        if (!_known.TryGetValue(write.Key, out Known known))
        {
            if (Interlocked.Increment(ref _count) > MostWrites)
            {
                _known.Clear();
                Volatile.Write(ref _count, 1);
            }
        }
        else if (known.Stamp.Epoch == stamp.Epoch && known.Stamp.Until > stamp.Until)
        {
            // The origin has been asked since.
            return;
        }

        _known[write.Key] = new Known(write, stamp);
    }

    /// <summary>Whether the origin is known to have held another write than this, or this none.</summary>
    /// <param name="key">The blob.</param>
    /// <param name="seen">What the origin holds; null: nothing.</param>
    public bool IsOther(BlobKey key, BlobInfo? seen) => _known.TryGetValue(key, out Known known) && (seen is null ? !known.IsNothing : !known.Is(seen));

    /// <summary>
    /// Notes that the origin holds something else by now. It is kept, even if it is nothing: a promotion that comes late must not
    /// bring back what is known no more. Under the same conditions as <see cref="Confirm"/>.
    /// </summary>
    public void Replace(BlobKey key, BlobInfo? seen, TrustStamp stamp)
    {
        if (stamp.Epoch != Volatile.Read(ref _epoch)) return;
        Volatile.Read(ref _entries)?.Remove(key);
        if (_known.TryGetValue(key, out Known known) && known.Stamp.Until <= stamp.Until) _known[key] = new Known(seen, stamp);
    }

    /// <summary>Whether a copy may be served, and if so how long.</summary>
    public bool Covers(BlobInfo copy, out TrustStamp stamp)
    {
        bool covers = _known.TryGetValue(copy.Key, out Known known) && known.Is(copy) && known.Stamp.Epoch == Volatile.Read(ref _epoch)
            && (!Lapses || clock.GetTimestamp() < known.Stamp.Until);
        stamp = covers ? known.Stamp : default;
        return covers;
    }

    /// <summary>Whether this is the write that the origin was last seen to hold, in this epoch and less than a time ago. Only where trust lapses.</summary>
    /// <param name="copy">The copy.</param>
    /// <param name="within">The time.</param>
    /// <param name="ago">How long ago it was, if it is so.</param>
    public bool WasSeen(BlobInfo copy, TimeSpan within, out TimeSpan ago)
    {
        ago = default;
        if (!_known.TryGetValue(copy.Key, out Known known) || !known.Is(copy) || known.Stamp.Epoch != Volatile.Read(ref _epoch)) return false;
        ago = clock.GetElapsedTime(known.Stamp.Until - _freshFor);
        return ago < within;
    }

    /// <summary>No copy of the key is trusted any more.</summary>
    public void Forget(BlobKey key)
    {
        if (_known.TryRemove(key, out _)) Interlocked.Decrement(ref _count);
        Volatile.Read(ref _entries)?.Remove(key);
    }

    /// <summary>Distrusts every copy: something of what others wrote was missed.</summary>
    public void BeginEpoch()
    {
        // In this order: whoever still holds an older stamp finds the epoch changed, or remembers in what is thrown away.
        Interlocked.Increment(ref _epoch);
        if (Lapses) Volatile.Write(ref _entries, new FreshEntries());
        _known.Clear();
        Volatile.Write(ref _count, 0);
    }

    /// <summary>Whether this entry of a memory tier may be served, without a look at what is known: allocates nothing.</summary>
    public bool IsFresh(BlobKey key, BlobReadResult entry) => Volatile.Read(ref _entries)!.Has(key, entry, clock.GetTimestamp());

    /// <summary>Asks for what <see cref="IsFresh"/> will look at, so that it comes while the entry is looked up.</summary>
    public void Prefetch(BlobKey key) => Volatile.Read(ref _entries)!.Prefetch(key);

    /// <summary>Makes the next hits of a covered entry as cheap as that.</summary>
    public void Remember(BlobKey key, BlobReadResult entry, TrustStamp stamp)
    {
        FreshEntries? entries = Volatile.Read(ref _entries);
        if (stamp.Epoch == Volatile.Read(ref _epoch)) entries?.Add(key, entry, stamp.Until);
    }

    /// <summary>A write, or that there is none; its ETag is left out where it follows from the version.</summary>
    private readonly struct Known(BlobInfo? write, TrustStamp stamp)
    {
        private readonly BlobVersion _version = write?.Version ?? BlobVersion.None;
        private readonly long _length = write?.Length ?? -1;
        private readonly string? _etag = write is null || write.Version.IsETag(write.ETag) ? null : write.ETag;

        public TrustStamp Stamp => stamp;

        public bool IsNothing => _length < 0;

        public bool Is(BlobInfo copy) =>
            _version == copy.Version && _length == copy.Length
            && (_etag is null ? copy.Version.IsETag(copy.ETag) : string.Equals(_etag, copy.ETag, StringComparison.Ordinal));
    }
}
