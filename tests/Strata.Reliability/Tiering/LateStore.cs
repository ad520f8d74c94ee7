using System.Diagnostics.CodeAnalysis;

namespace Strata.Reliability;

/// <summary>
/// A store at the other end of a network: requests get lost, so that their callers hear of a time-out, and come through later,
/// behind others, or never.
/// </summary>
/// <param name="inner">What is there.</param>
/// <param name="clock">The time.</param>
/// <param name="requestLife">How long one lives at most.</param>
/// <param name="comparesVersions">False: as a bucket, which does not.</param>
/// <param name="note">Told of each change.</param>
internal sealed class LateStore(IBlobStore inner, TimeProvider clock, TimeSpan requestLife, bool comparesVersions, Action<string> note) : IBlobStore
{
    private readonly Lock _gate = new();
    private readonly List<LateRequest> _late = [];
    private int _toLose;
    private int _step;

    public StoreCapabilities Capabilities => comparesVersions ? inner.Capabilities : inner.Capabilities with { Conditions = inner.Capabilities.Conditions & ~WriteConditionKind.IfOlder };

    /// <summary>Those that may still come.</summary>
    public IReadOnlyList<LateRequest> Late
    {
        get
        {
            lock (_gate)
            {
                _late.RemoveAll(l => clock.GetUtcNow() - l.Sent > requestLife - TimeSpan.FromMinutes(1));
                return [.. _late];
            }
        }
    }

    /// <summary>A new step begins.</summary>
    public void Step()
    {
        lock (_gate) _step++;
    }

    /// <summary>So many of the next writes and deletes get lost.</summary>
    public void Lose(int requests)
    {
        lock (_gate) _toLose = requests;
    }

    /// <summary>Of the requests of this step, during which a process was killed, those never come.</summary>
    public void Drop(Predicate<LateRequest> which)
    {
        lock (_gate) _late.RemoveAll(l => l.Step == _step && which(l));
    }

    /// <summary>Lets one come through, and no more.</summary>
    public async Task ComeAsync(LateRequest late)
    {
        lock (_gate)
        {
            if (!_late.Remove(late)) return;
        }

        await late.ComeAsync();
    }

    public ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default) => inner.StatAsync(key, cancellationToken);

    public ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default) => inner.ReadAsync(key, options, cancellationToken);

    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!IsLost())
        {
            WriteResult written = await inner.WriteAsync(key, content, options, cancellationToken);
            note($"  origin: write of '{key}', {options?.AsCopyOf?.Version} {options?.Condition.Kind}: {written.Status} {written.Info?.Version}");
            return written;
        }

        using var bytes = new MemoryStream();
        await using (Stream stream = content.OpenStream()) await stream.CopyToAsync(bytes, cancellationToken);
        byte[] sent = bytes.ToArray();
        var version = BlobVersion.At(clock.GetUtcNow());

        // Whoever sends it stamps it.
        BlobInfo info = options?.AsCopyOf ?? new BlobInfo { Key = key, Length = sent.Length, ETag = version.ToETag(), Version = version, Created = version.Time, Modified = version.Time, Checksum = Crc32C.Of(sent) };
        WriteOptions late = (options ?? new WriteOptions()) with { AsCopyOf = info };
        throw Lose(new LateRequest(key, "write", BitConverter.ToInt32(sent), options?.AsCopyOf is not null, sent.Length, clock.GetUtcNow(), _step, async () => await inner.WriteAsync(key, BlobContent.From(sent), late)));
    }

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default) => inner.OpenWriterAsync(key, options, cancellationToken);

    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        if (IsLost()) throw Lose(new LateRequest(key, "delete", null, false, 0, clock.GetUtcNow(), _step, async () => await inner.DeleteAsync(key, condition)));
        DeleteResult deleted = await inner.DeleteAsync(key, condition, cancellationToken);
        note($"  origin: delete of '{key}', {condition.Kind} {condition.Version}: {deleted.Status}");
        return deleted;
    }

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => inner.DeleteManyAsync(keys, cancellationToken);

    /// <summary>An update over a network is of what was looked at.</summary>
    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        if (!IsLost()) return await inner.UpdateAsync(key, changes, condition, cancellationToken);
        BlobInfo? current = await inner.StatAsync(key, cancellationToken);
        if (current is null) return WriteResult.Missing;
        throw Lose(new LateRequest(key, "update", null, false, 0, clock.GetUtcNow(), _step, async () => await inner.UpdateAsync(key, changes, WriteCondition.IfMatch(current.ETag))));
    }

    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default) => inner.CopyAsync(source, target, options, cancellationToken);

    public ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default) => inner.ListPageAsync(request, cancellationToken);

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = null;
        return false;
    }

    public ValueTask DisposeAsync() => default;

    private bool IsLost()
    {
        lock (_gate) return _toLose > 0 && _toLose-- > 0;
    }

    private StorageException Lose(LateRequest request)
    {
        lock (_gate) _late.Add(request);
        note($"  origin: {request.What} of {request.Value} of '{request.Key}' is lost");
        return new StorageException(StorageErrorKind.Timeout, $"The {request.What} of '{request.Key}' got no reply.") { Outcome = WriteOutcome.Unknown, IsTransient = true, Operation = request.What, Key = request.Key };
    }
}
