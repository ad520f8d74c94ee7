using Microsoft.Extensions.Logging;

namespace Strata;

/// <summary>
/// Writes groups of batches to the segment at the log's end. One thread at a time uses it: whoever leads the group commit.
/// </summary>
/// <remarks>
/// After a write or a sync has failed nobody can say what of it reached the medium. The segment is left, and a fresh one
/// begins with a void, which says where the old one ends: then the group was not applied, and writing goes on. Where even
/// that fails, the outcome is unknown and the log takes no writes until it is opened again (CONSISTENCY 7).
/// </remarks>
internal sealed class LogAppender(LogSegmentFiles files, LogOptions options, ILogger log, Action<LogSegment> began, Action<LogSegment> sealedOne)
{
    /// <summary>So much of a fresh file is written ahead of its frames, so that their syncs need not record new blocks.</summary>
    private const int WriteAheadBytes = 1 << 20, LongBytes = 64 << 10;

    /// <summary>A long group that is flushed goes to the medium in steps, each while the next is written.</summary>
    private const int StepBytes = 256 << 10;

    /// <summary>Without a flush after each group, what was written goes to the medium in steps of this, so that the flush at the segment's end is short.</summary>
    private const int WriteBackBytes = 1 << 20;
    private static readonly byte[] Zeros = GC.AllocateArray<byte>(WriteAheadBytes, pinned: true);
    private readonly List<ReadOnlyMemory<byte>> _pieces = [];
    private readonly bool _flushes = options.Durability == DiskDurability.Flush;
    private LogSegment? _active;
    private ulong _last;
    private ulong _written;
    private ulong _durable;
    private long _syncs;

    /// <summary>The highest LSN given.</summary>
    public ulong Last => Volatile.Read(ref _last);

    /// <summary>The highest LSN that is on the medium.</summary>
    public ulong Durable => Volatile.Read(ref _durable);

    public long Syncs => Interlocked.Read(ref _syncs);

    /// <summary>Why nothing is written any more, or null.</summary>
    public string? ReadOnlyBecause { get; private set; }

    public LogSegment? Active => Volatile.Read(ref _active);

    /// <summary>Goes on after what was recovered.</summary>
    public void StartAfter(ulong sequence) => _last = _written = _durable = sequence;

    /// <summary>Writes batches in order. Each has its place afterwards, or its failure.</summary>
    public void Append(List<LogBatch> batches)
    {
        int next = 0;
        while (next < batches.Count)
        {
            LogBatch batch = batches[next];
            if (ReadOnlyBecause is { } why)
            {
                batch.Failure = Refused(why);
                next++;
            }
            else if (HasRoomFor(batch) || TryRoll(batch))
            {
                next = AppendWhatFits(batches, next);
            }
            else
            {
                next++;
            }
        }
    }

    /// <summary>Puts on the medium what was written so far. From the leader, or beside it.</summary>
    public void Sync()
    {
        // Given is not written: a commit whose frame is on its way now is not on the medium after this.
        ulong written = Volatile.Read(ref _written);
        if (Active is not { } segment || written <= Durable || ReadOnlyBecause is not null) return;

        // Gone already: it was sealed, and so synced.
        if (!segment.TryAcquire()) return;
        try
        {
            SyncFile(segment);
            RaiseDurable(written);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            BecomeReadOnly("a flush of writes that were acknowledged already failed", e);
            throw;
        }
        finally
        {
            segment.Release();
        }
    }

    /// <summary>Seals the segment at the end, so that the next opening reads its hint alone.</summary>
    public void Close()
    {
        if (_active is { } segment && ReadOnlyBecause is null) SealActive(segment, out _);
        Volatile.Write(ref _active, null);
    }

    private bool HasRoomFor(LogBatch batch) => _active is { } segment && segment.End + batch.Length + LogFrameHeader.Bytes <= segment.Capacity;

    private int AppendWhatFits(List<LogBatch> batches, int first)
    {
        LogSegment segment = _active!;
        ulong before = _last;
        long at = segment.End;
        int next = first;
        _pieces.Clear();
        do
        {
            LogBatch batch = batches[next++];
            batch.Seal(segment, (uint)at, ++_last, _durable);
            batch.AddTo(_pieces);
            at += batch.Length;
        }
        while (next < batches.Count && at + batches[next].Length + LogFrameHeader.Bytes <= segment.Capacity);

        try
        {
            Write(segment, at);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            StorageException failure = Leave(segment, before + 1, e);
            for (int i = first; i < next; i++) batches[i].Failure = failure;
            return next;
        }

        segment.End = (uint)at;
        segment.LastSequence = _last;
        Volatile.Write(ref _written, _last);
        if (_flushes) RaiseDurable(_last);
        return next;
    }

    private void Write(LogSegment segment, long end)
    {
        if (_flushes && end - segment.End > 2 * StepBytes) WriteInSteps(segment);
        else if (_pieces.Count == 1) segment.File.Write(segment.End, _pieces[0].Span);
        else segment.File.Write(segment.End, _pieces);
        if (!_flushes)
        {
            StartWriteBack(segment, end);
            return;
        }

        if (end > segment.WrittenBefore)
        {
            // What is long records its new blocks at little cost beside its own; zeros would double what is written.
            uint ahead = end - segment.End > LongBytes ? (uint)end : (uint)Math.Min(segment.Capacity, end + WriteAheadBytes);
            if (ahead > end) segment.File.Write(end, Zeros.AsSpan(0, (int)(ahead - end)));
            segment.WrittenBefore = ahead;
        }

        SyncFile(segment);
    }

    private void WriteInSteps(LogSegment segment)
    {
        long at = segment.End, started = at;
        foreach (ReadOnlyMemory<byte> piece in _pieces)
        {
            for (ReadOnlyMemory<byte> rest = piece; !rest.IsEmpty;)
            {
                ReadOnlyMemory<byte> step = rest[..Math.Min(rest.Length, StepBytes)];
                rest = rest[step.Length..];
                segment.File.Write(at, step.Span);
                at += step.Length;
                if (at - started < StepBytes) continue;
                segment.File.StartWriteBack(started, at - started);
                started = at;
            }
        }
    }

    private static void StartWriteBack(LogSegment segment, long end)
    {
        long from = segment.WriteBackFrom, length = end - from;
        if (length < WriteBackBytes || !segment.TryAcquire()) return;
        segment.WriteBackFrom = (uint)end;

        // The call may wait for the medium.
        ThreadPool.UnsafeQueueUserWorkItem(
            static work =>
            {
                try
                {
                    work.Segment.File.StartWriteBack(work.From, work.Length);
                }
                finally
                {
                    work.Segment.Release();
                }
            },
            (Segment: segment, From: from, Length: length),
            preferLocal: false);
    }

    private void SyncFile(LogSegment segment)
    {
        Interlocked.Increment(ref _syncs);
        segment.File.Sync();
    }

    private void RaiseDurable(ulong sequence)
    {
        ulong seen = Durable;
        while (seen < sequence)
        {
            ulong now = Interlocked.CompareExchange(ref _durable, sequence, seen);
            if (now == seen) return;
            seen = now;
        }
    }

    /// <summary>Ends the segment and begins the next. False: the batch has its failure.</summary>
    private bool TryRoll(LogBatch batch)
    {
        LogSegment next;
        try
        {
            // Before the old one ends: while there is no room for a new one, what still fits goes to the old one.
            next = files.Create(LogSegmentKind.Appended, _last + 1, _durable, batch.Length + LogFrameHeader.Bytes + LogVoid.Bytes, batch.FreesSpace);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            batch.Failure = DiskErrors.Map(e, "write", null, options.Name, files.Path);
            return false;
        }

        LogVoid? cut = null;
        if (_active is { } full && !SealActive(full, out cut))
        {
            Discard(next);
            batch.Failure = Refused(ReadOnlyBecause!);
            return false;
        }

        try
        {
            if (cut is { } where) WriteVoid(next, where);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            Discard(next);
            BecomeReadOnly("a segment could not be ended", e);
            batch.Failure = Refused(ReadOnlyBecause!);
            return false;
        }

        Begin(next);
        return true;
    }

    private void Begin(LogSegment next)
    {
        Volatile.Write(ref _active, next);
        began(next);
    }

    private void Discard(LogSegment unused)
    {
        try
        {
            files.Retire(unused);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            log.LogWarning(e, "Cannot remove a segment that was not begun from the log '{Store}'; it is removed when the log is opened next", options.Name);
        }
    }

    /// <summary>Writes the frame that ends a segment and syncs it, whatever the durability: a later segment must never hold what an earlier one has lost.</summary>
    /// <returns>False if what was acknowledged from it is in doubt.</returns>
    /// <param name="segment">The segment.</param>
    /// <param name="cut">What the next segment must say of its end, if the frame may not have got there.</param>
    private bool SealActive(LogSegment segment, out LogVoid? cut)
    {
        cut = null;
        ulong durable = Durable;
        try
        {
            Span<byte> frame = stackalloc byte[LogFrameHeader.Bytes];
            LogFrameHeader.Write(frame, frame.Length, _last + 1, durable, 0, LogFrameKind.Seal);
            LogFrameHeader.Seal(frame, default, segment.Seed);
            segment.File.Write(segment.End, frame);
            SyncFile(segment);
            segment.End += LogFrameHeader.Bytes;
            RaiseDurable(_last);
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            if (durable < _last)
            {
                BecomeReadOnly("a flush of writes that were acknowledged already failed", e);
                return false;
            }

            cut = segment.Cut = new LogVoid(segment.Incarnation, segment.End, _last + 1, _last);
            log.LogWarning(e, "The segment {Segment} of the log '{Store}' cannot be sealed; the next one says where it ends", segment.Incarnation, options.Name);
        }

        segment.IsSealed = true;
        sealedOne(segment);
        return true;
    }

    /// <summary>Leaves a segment in which a write or sync failed.</summary>
    /// <returns>What the callers are told.</returns>
    private StorageException Leave(LogSegment segment, ulong firstInDoubt, Exception cause)
    {
        if (!_flushes && Durable < segment.LastSequence && segment.LastSequence > 0 && !TrySyncQuietly(segment))
        {
            BecomeReadOnly("a flush of writes that were acknowledged already failed", cause);
            return DiskErrors.Map(cause, "write", null, options.Name, files.Path, WriteOutcome.Unknown);
        }

        LogSegment? fresh = null;
        try
        {
            fresh = files.Create(LogSegmentKind.Appended, _last + 1, Durable, LogFrameHeader.Bytes + LogVoid.Bytes, isRelief: true);
            var cut = new LogVoid(segment.Incarnation, segment.End, firstInDoubt, _last);
            WriteVoid(fresh, cut);
            segment.Cut = cut;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            if (fresh is not null) Discard(fresh);
            BecomeReadOnly("a write failed, and what of it counts could not be written down", e);
            return DiskErrors.Map(cause, "write", null, options.Name, files.Path, WriteOutcome.Unknown);
        }

        segment.IsSealed = true;
        sealedOne(segment);
        Begin(fresh);
        log.LogError(cause, "A write to the log '{Store}' failed and was not applied; writing goes on in a new segment", options.Name);
        return DiskErrors.Map(cause, "write", null, options.Name, files.Path);
    }

    private bool TrySyncQuietly(LogSegment segment)
    {
        try
        {
            SyncFile(segment);
            return true;
        }
        catch (Exception e) when (DiskErrors.IsDiskError(e))
        {
            return false;
        }
    }

    private void WriteVoid(LogSegment segment, LogVoid cut)
    {
        Span<byte> frame = stackalloc byte[LogFrameHeader.Bytes + LogVoid.Bytes];
        LogFrameHeader.Write(frame, frame.Length, ++_last, Durable, 0, LogFrameKind.Void);
        cut.Write(frame[LogFrameHeader.Bytes..]);
        LogFrameHeader.Seal(frame, frame[LogFrameHeader.Bytes..], segment.Seed);
        segment.File.Write(segment.End, frame);
        SyncFile(segment);
        segment.Void = cut;
        segment.End += (uint)frame.Length;
        Volatile.Write(ref _written, _last);
        RaiseDurable(_last);
    }

    /// <summary>Takes no more writes; what is said first stays.</summary>
    public void BecomeReadOnly(string why, Exception cause)
    {
        ReadOnlyBecause ??= $"{why} ({cause.Message})";
        log.LogCritical(cause, "The log '{Store}' takes no writes until it is opened again: {Why}", options.Name, why);
    }

    private StorageException Refused(string why) =>
        new(StorageErrorKind.Unavailable, $"The log of store '{options.Name}' takes no writes until it is opened again, because {why}. Reads go on. Look at the disk, then restart.") { Operation = "write", Store = options.Name };
}
