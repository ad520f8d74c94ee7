namespace Strata;

/// <summary>Fills a tier with the best blobs of a slower one: one listing through a heap of bounded size, then the copies.</summary>
internal sealed class TierBootstrap
{
    /// <summary>A tier that fails so often in a row will not take the next one either.</summary>
    private const int MostFailuresInARow = 8;

    private readonly UpkeepParts _parts;
    private readonly BootstrapOptions _options;
    private readonly IProgress<UpkeepProgress>? _progress;
    private readonly UpperTier _target;
    private readonly UpperTier? _from;
    private readonly long _maxBytes;
    private readonly CopyMaking _copies;

    /// <summary>The candidates, the worst on top.</summary>
    private readonly PriorityQueue<Candidate, (double Score, long Modified)> _best = new();
    private long _bestBytes;
    private long _examined;
    private long _copied;
    private long _bytes;
    private long _unchanged;
    private long _refused;
    private long _overtaken;
    private long _failed;
    private int _failedInARow;

    public TierBootstrap(UpkeepParts parts, string tier, BootstrapOptions options, IProgress<UpkeepProgress>? progress)
    {
        options.Check();
        _parts = parts;
        _options = options;
        _progress = progress;
        _target = parts.FindUpper(tier, "It cannot be filled.");
        _from = FindSource(options.From);
        _maxBytes = options.MaxBytes ?? (_target.Store.TryGetFacet(out IStoreStatistics? statistics) ? statistics.GetStatistics().MaxBytes : null) ?? long.MaxValue;
        _copies = new CopyMaking(parts);
    }

    public async ValueTask<BootstrapResult> RunAsync(CancellationToken cancellationToken)
    {
        await foreach (BlobInfo info in ListAsync(cancellationToken).ConfigureAwait(false)) Consider(info);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _options.Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Chosen(), parallel, CopyAsync).ConfigureAwait(false);
        return new BootstrapResult
        {
            From = (_from ?? _parts.Origin).Name, Examined = _examined, Copied = _copied, Bytes = _bytes, Unchanged = _unchanged, Refused = _refused, Overtaken = _overtaken, Failed = _failed,
        };
    }

    /// <summary>The slower tier; null for the origin.</summary>
    private UpperTier? FindSource(string? name)
    {
        List<UpperTier> slower = [.. _parts.Upper.SkipWhile(t => t != _target).Skip(1)];
        if (name is null) return slower.FirstOrDefault();
        if (_parts.IsOfOrigin(name)) return null;
        return slower.FirstOrDefault(t => t.Name == name)
            ?? throw new ArgumentException($"Tier '{_target.Name}' of store '{_parts.Store}' cannot be filled from '{name}': its slower tiers are {string.Join(", ", slower.Select(t => t.Name).Append(_parts.Origin.Name))}.");
    }

    private async IAsyncEnumerable<BlobInfo> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListRequest { Prefix = _options.Prefix, Exact = false };
        do
        {
            ListPage page = await (_from ?? _parts.Origin).ListPageAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (BlobInfo info in page.Items) yield return info;
            _examined += page.Items.Count;
            _progress?.Report(new UpkeepProgress(_examined, 0, 0, null));
            request = request with { Token = page.Token };
        }
        while (request.Token is not null);
    }

    private void Consider(BlobInfo info)
    {
        if (info.Modified < _options.Since) return;
        if (!_target.Takes(info.Length) || info.Length > _maxBytes)
        {
            _refused++;
            return;
        }

        double score = _options.By == BootstrapOrder.Score ? _parts.ScoreOf?.Invoke(info.Key) ?? 0 : 0;
        _best.Enqueue(new Candidate(info.Key, info.Length), (score, info.Modified.UtcTicks));
        _bestBytes += info.Length;

        // The worst goes as soon as the others are enough.
        while (_best.Count > _options.Limit || (_best.TryPeek(out Candidate worst, out _) && worst.Length > 0 && _bestBytes - worst.Length >= _maxBytes))
            _bestBytes -= _best.Dequeue().Length;
    }

    /// <summary>The best that fit, the best first.</summary>
    private List<BlobKey> Chosen()
    {
        var candidates = new Candidate[_best.Count];
        for (int i = candidates.Length; i > 0; i--) candidates[i - 1] = _best.Dequeue();
        var chosen = new List<BlobKey>(candidates.Length);
        long room = _maxBytes;
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Length > room) continue;
            room -= candidate.Length;
            chosen.Add(candidate.Key);
        }

        return chosen;
    }

    private async ValueTask CopyAsync(BlobKey key, CancellationToken cancellationToken)
    {
        if (!_target.Admits())
        {
            Interlocked.Increment(ref _failed);
            if (Interlocked.Increment(ref _failedInARow) >= MostFailuresInARow) throw _target.PassedBy("bootstrap", key);
            return;
        }

        try
        {
            CopyMade made = await _copies.MakeAsync(key, _target, _from, cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _failedInARow, 0);
            Interlocked.Increment(ref CounterOf(made.Status));
            if (made.Status == MoveStatus.Moved) Interlocked.Add(ref _bytes, made.Length);
        }
        catch (StorageException e) when (e.Kind != StorageErrorKind.Closed)
        {
            Interlocked.Increment(ref _failed);
            _target.NoteError(e, "bootstrap", key);
            if (Interlocked.Increment(ref _failedInARow) >= MostFailuresInARow) throw;
        }

        _progress?.Report(new UpkeepProgress(_examined, Interlocked.Read(ref _copied), Interlocked.Read(ref _bytes), null));
    }

    private ref long CounterOf(MoveStatus status)
    {
        switch (status)
        {
            case MoveStatus.Moved: return ref _copied;
            case MoveStatus.Unchanged: return ref _unchanged;
            case MoveStatus.Refused: return ref _refused;
            default: return ref _overtaken;
        }
    }

    private readonly record struct Candidate(BlobKey Key, long Length);
}
