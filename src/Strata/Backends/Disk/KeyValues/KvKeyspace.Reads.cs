using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Strata;

/// <content>Reads: one key is looked up; ranges are gathered at one instant, places and leases first, and read then, beside any writer.</content>
internal sealed partial class KvKeyspace
{
    /// <summary>How often ranges are gathered without keeping writers off.</summary>
    private const int MostTries = 4;

    private const int MostReaders = 32, MostHeldBytes = 256 << 10;
    private readonly ConcurrentBag<LogRangeReader> _readers = [];

    /// <summary>Reads ranges as they are at one instant.</summary>
    /// <exception cref="StorageException">Of kind Corrupt: an entry is damaged.</exception>
    public IReadOnlyList<KvRange> Read(IReadOnlyList<ReadRange> ranges)
    {
        if (ranges.Count != 1 || !ranges[0].IsOneKey) return ReadRanges(ranges);
        return [new KvRange(Find(ranges[0].Start, ranges[0].KeysOnly, _time.Milliseconds) is { } entry ? [entry] : [])];
    }

    [SkipLocalsInit]
    private KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly, long now)
    {
        if (!_log.TryRead(Of(key.Span, stackalloc byte[LogEntryHeader.MaxKeyBytes]), out LogEntry entry)) return null;
        using (entry) return ToEntry(entry.View, keyOnly, now);
    }

    /// <summary>The same, with the place that the answer holds for; unknown: there was nothing.</summary>
    [SkipLocalsInit]
    private KvEntry? Find(ReadOnlyMemory<byte> key, bool keyOnly, long now, out LogLocation location)
    {
        ReadOnlySpan<byte> full = Of(key.Span, stackalloc byte[LogEntryHeader.MaxKeyBytes]);
        LogLocation before = default;
        while (_log.TryLocate(full, out location) && !IsTombstone(location))
        {
            if (_log.TryReadAt(full, location, out LogEntry entry))
            {
                using (entry) return ToEntry(entry.View, keyOnly, now);
            }

            // Moved meanwhile, else its segment is lost: who reads is told so.
            if (location.IsSamePlaceAs(before)) return Find(key, keyOnly, now);
            before = location;
        }

        return null;
    }

    /// <returns>Null: it has expired.</returns>
    private KvEntry? ToEntry(in LogEntryView entry, bool keyOnly, long now)
    {
        long expires = entry.Expires;
        if (expires != 0 && expires <= now) return null;
        KvRecord record = KvRecord.Read(entry.Head, _name);
        ReadOnlySpan<byte> key = entry.Key[1..], body = keyOnly ? default : entry.Body;

        // One piece of memory for both.
        byte[] bytes = GC.AllocateUninitializedArray<byte>(key.Length + body.Length);
        key.CopyTo(bytes);
        body.CopyTo(bytes.AsSpan(key.Length));
        return new KvEntry(
            bytes.AsMemory(0, key.Length),
            new KvValue(bytes.AsMemory(key.Length), record.Encoding),
            record.Versionstamp,
            expires == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(expires, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())));
    }

    private KvRange[] ReadRanges(IReadOnlyList<ReadRange> ranges)
    {
        var readers = new LogRangeReader[ranges.Count];
        try
        {
            for (int i = 0; i < readers.Length; i++) readers[i] = _readers.TryTake(out LogRangeReader? reader) ? reader : new LogRangeReader(_log);

            // What has expired and is not removed yet takes the place of what is visible: then more is asked for, at another instant.
            for (int beyond = 0; ;)
            {
                Gather(ranges, readers, beyond);
                if (TryTake(ranges, readers, beyond, out KvRange[] taken, out int expired)) return taken;
                beyond = Math.Max(2 * expired, 2 * beyond);
            }
        }
        finally
        {
            foreach (LogRangeReader? reader in readers) GiveBack(reader);
        }
    }

    private void Gather(IReadOnlyList<ReadRange> ranges, LogRangeReader[] readers, int beyond)
    {
        for (int tries = 0; tries < MostTries; tries++)
        {
            if (tries > 0) Thread.SpinWait(64 << tries);
            if (!_log.Index.TryBeginRead(out long instant)) continue;
            if (TryScan(ranges, readers, beyond) && (ranges.Count == 1 || _log.Index.IsStill(instant))) return;
        }

        using (_log.Index.Hold()) TryScan(ranges, readers, beyond);
    }

    /// <returns>False: compaction let go of a segment just then.</returns>
    [SkipLocalsInit]
    private bool TryScan(IReadOnlyList<ReadRange> ranges, LogRangeReader[] readers, int beyond)
    {
        Span<byte> from = stackalloc byte[LogEntryHeader.MaxKeyBytes], to = stackalloc byte[LogEntryHeader.MaxKeyBytes];
        for (int i = 0; i < readers.Length; i++)
        {
            ReadRange range = ranges[i];
            readers[i].Scan(new LogScan(Of(range.Start.Span, from), Of(range.End.Span, to), range.Limit + beyond, range.Reverse, valuesOnly: true));
            if (!readers[i].IsComplete) return false;
        }

        return true;
    }

    /// <returns>False: of a range there may be more than was gathered; <paramref name="expired"/> took its place.</returns>
    private bool TryTake(IReadOnlyList<ReadRange> ranges, LogRangeReader[] readers, int beyond, out KvRange[] taken, out int expired)
    {
        taken = new KvRange[readers.Length];
        expired = 0;
        long now = _time.Milliseconds;
        for (int i = 0; i < readers.Length; i++)
        {
            int limit = ranges[i].Limit, found = readers[i].Count;
            var entries = new List<KvEntry>(Math.Min(limit, found));
            for (int at = 0; at < found && entries.Count < limit; at++)
            {
                if (readers[i].TryRead(at, out LogEntryView view) && !view.IsTombstone && ToEntry(view, ranges[i].KeysOnly, now) is { } entry) entries.Add(entry);
                else expired++;
            }

            readers[i].Release();
            if (entries.Count < limit && found == limit + beyond) return false;
            taken[i] = new KvRange(entries);
        }

        return true;
    }

    private void GiveBack(LogRangeReader? reader)
    {
        if (reader is null) return;
        reader.Release();
        if (_readers.Count < MostReaders && reader.HeldBytes <= MostHeldBytes) _readers.Add(reader);
        else reader.Dispose();
    }
}
