namespace Strata;

/// <summary>One tiering run: what it has done so far, and what it does with each key that is due.</summary>
internal sealed class TieringPass(TieringParts parts, TieringRun run, TieringPace pace, IProgress<TieringProgress>? progress)
{
    private const int KeysAtOnce = 256;
    private const int MostFailuresInARow = 10;
    private static readonly TimeSpan FailedWait = TimeSpan.FromMinutes(1), RefusedWait = TimeSpan.FromHours(1);
    private readonly DateTimeOffset _began = parts.Clock.GetUtcNow();
    private readonly long _timestamp = parts.Clock.GetTimestamp();
    private readonly List<PlannedMove> _planned = [];
    private double[] _fill = [];
    private long _lookedAt;
    private long _promoted;
    private long _demoted;
    private long _bytes;
    private long _refused;
    private long _overtaken;
    private long _failed;
    private int _failuresInARow;
    private string? _firstError;
    private TieringEnd _end;
    private int _left;

    /// <summary>How far it has come.</summary>
    public TieringProgress Progress => new(Volatile.Read(ref _lookedAt), Volatile.Read(ref _promoted), Volatile.Read(ref _demoted), Volatile.Read(ref _bytes), Volatile.Read(ref _failed));

    /// <summary>What it has come to.</summary>
    public TieringReport Report => new()
    {
        IsDryRun = run.DryRun,
        Began = _began,
        Elapsed = parts.Clock.GetElapsedTime(_timestamp),
        LookedAt = _lookedAt,
        Promoted = _promoted,
        Demoted = _demoted,
        Bytes = _bytes,
        Refused = _refused,
        Overtaken = _overtaken,
        Failed = _failed,
        FirstError = _firstError,
        Left = _left,
        End = _end,
        Planned = _planned,
    };

    /// <param name="closing">The store closes. Asked before each blob, for what is linked to it hears later.</param>
    /// <param name="cancellationToken">Ends it; linked to the other.</param>
    public async Task RunAsync(CancellationToken closing, CancellationToken cancellationToken)
    {
        DueKey? last = null;
        bool goesOn = true;
        while (goesOn && await parts.Rows.ReadDueAsync(_began, KeysAtOnce, last, cancellationToken).ConfigureAwait(false) is { Count: > 0 } due)
        {
            _fill = parts.Map.Fill();
            DateTimeOffset lookedAt = parts.Clock.GetUtcNow();
            var settled = new List<(DueKey, DateTimeOffset?)>(due.Count);
            try
            {
                foreach (DueKey key in due)
                {
                    closing.ThrowIfCancellationRequested();
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!await TakeAsync(key, settled, cancellationToken).ConfigureAwait(false))
                    {
                        goesOn = false;
                        break;
                    }

                    last = key;
                    progress?.Report(Progress);
                    await pace.WaitAsync(_bytes, cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                // What was moved is not due any more, whatever ended the run. A crash before this costs a second look.
                if (!run.DryRun) await parts.Rows.SettleAsync(settled, lookedAt, CancellationToken.None).ConfigureAwait(false);
            }
        }

        if (!goesOn) _left = await parts.Rows.CountDueAsync(_began, TieringReport.MostCountedLeft, last, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Looks at a key, and moves its blob if that belongs elsewhere.</summary>
    /// <returns>False: the run ends before it.</returns>
    private async ValueTask<bool> TakeAsync(DueKey key, List<(DueKey, DateTimeOffset?)> settled, CancellationToken cancellationToken)
    {
        if (_failuresInARow == MostFailuresInARow) return Ends(TieringEnd.Failures);
        DateTimeOffset? next;
        try
        {
            using OperationGate.Pass pass = parts.Gate.Enter("tier");
            long generation = parts.Fences.Generation(key.Key);
            TierWhereabouts? where = await parts.Placer.LookAsync(key.Key, isStrict: true, cancellationToken).ConfigureAwait(false);
            Classification belongs = default;
            if (where is not null)
            {
                belongs = parts.Guide.Classifier.Classify(parts.Guide.FactsOf(where.Info, parts.Tracker.UseOf(key.Key), parts.Clock.GetUtcNow(), _fill));
                if (belongs.Index != where.Fastest && IsOverBudget(TierPlacer.BytesOf(where, belongs.Index))) return Ends(TieringEnd.Budget);
            }

            next = where is null ? await ForgetAsync(key.Key, generation).ConfigureAwait(false) : await MoveAsync(where, belongs, cancellationToken).ConfigureAwait(false);
            _failuresInARow = 0;
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            _failed++;
            _failuresInARow++;
            _firstError ??= e.Message;
            next = parts.Clock.GetUtcNow() + FailedWait;
        }

        _lookedAt++;
        settled.Add((key, next));
        return true;
    }

    private bool Ends(TieringEnd end)
    {
        _end = end;
        return false;
    }

    private bool IsOverBudget(long bytes) =>
        _promoted + _demoted >= run.MaxOperations || (_bytes > 0 && bytes > 0 && _bytes + bytes > run.MaxBytes);

    /// <summary>The blob is gone: so is what is known of its use, unless it was written again since.</summary>
    private async ValueTask<DateTimeOffset?> ForgetAsync(BlobKey key, long generation)
    {
        if (run.DryRun) return null;
        bool isGone = await parts.Fences.TryPublishAsync(key, generation, () =>
        {
            parts.Tracker.Forget(key);
            return default;
        }).ConfigureAwait(false);
        return isGone ? null : parts.Clock.GetUtcNow() + FailedWait;
    }

    /// <returns>When the blob is to be looked at again; null for not before its next use.</returns>
    private async ValueTask<DateTimeOffset?> MoveAsync(TierWhereabouts where, Classification belongs, CancellationToken cancellationToken)
    {
        if (where.Fastest == belongs.Index) return belongs.Due;
        MoveStatus status = MoveStatus.Moved;
        if (!run.DryRun) status = await parts.Placer.MoveAsync(where, belongs.Index, keepFaster: false, cancellationToken).ConfigureAwait(false);
        else if (_planned.Count < run.MaxListed) _planned.Add(new PlannedMove(where.Info.Key, parts.Map.Names[where.Fastest], belongs.Tier, where.Info.Length, belongs.Cause));
        switch (status)
        {
            case MoveStatus.Moved:
                if (belongs.Index < where.Fastest) _promoted++;
                else _demoted++;
                _bytes += TierPlacer.BytesOf(where, belongs.Index);
                return belongs.Due;
            case MoveStatus.Refused:
                _refused++;
                return parts.Clock.GetUtcNow() + RefusedWait;
            case MoveStatus.Overtaken or MoveStatus.Missing:
                _overtaken++;
                return parts.Clock.GetUtcNow() + FailedWait;
            default:
                return belongs.Due;
        }
    }
}
