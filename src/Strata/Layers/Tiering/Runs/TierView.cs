using System.Diagnostics.CodeAnalysis;

namespace Strata;

/// <summary>One tier of a store as a store (<see cref="ITiering.Tier"/>).</summary>
/// <remarks><b>Commit point:</b> the origin of the whole store; of the delete of a copy, the tier.</remarks>
internal sealed class TierView : IBlobStore
{
    private readonly TieredBlobStore _store;
    private readonly TieringParts _parts;
    private readonly int _tier;
    private readonly string _name;

    public TierView(TieredBlobStore store, TieringParts parts, int tier)
    {
        (_store, _parts, _tier) = (store, parts, tier);
        _name = parts.Map.Names[tier];
        Capabilities = store.Capabilities with { Store = $"{parts.Store}/{_name}", Tiers = [], MultipartUploads = false, IsVolatile = IsUpper && parts.Upper[tier].Store.Capabilities.IsVolatile };
    }

    public StoreCapabilities Capabilities { get; }

    /// <summary>For who opens a store for one of its tiers alone: what goes with the view. Null, as a rule: closing it closes nothing.</summary>
    internal IAsyncDisposable? Owned { get; set; }

    private bool IsUpper => _tier < _parts.Upper.Length;

    public async ValueTask<BlobInfo?> StatAsync(BlobKey key, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter(key, "stat", cancellationToken);
        BlobInfo? info = IsUpper ? await _store.StatInTierAsync(_tier, key, cancellationToken).ConfigureAwait(false)
            : await IsInLowerAsync(key, cancellationToken).ConfigureAwait(false) ? await _store.StatAsync(key, cancellationToken).ConfigureAwait(false)
            : null;
        return info is null ? null : info with { Tier = _name };
    }

    public async ValueTask<BlobReadResult?> ReadAsync(BlobKey key, ReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter(key, "read", cancellationToken);
        if (IsUpper) return await _store.ReadInTierAsync(_tier, key, options, cancellationToken).ConfigureAwait(false);
        return await IsInLowerAsync(key, cancellationToken).ConfigureAwait(false)
            ? await _store.ReadAsync(key, (options ?? new ReadOptions()) with { Consistency = ReadConsistency.Origin }, cancellationToken).ConfigureAwait(false)
            : null;
    }

    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = _store.Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        WriteResult result = await _store.WriteAsync(key, content, (options ?? new WriteOptions()) with { Tier = _name, OnlyTiers = [_name] }, cancellationToken).ConfigureAwait(false);

        // A stream's copies come later, off the writer's path: who writes here reads here.
        return result.IsWritten && !content.TryGetSequence(out _) ? await WithCopyAsync(result).ConfigureAwait(false) : Mine(result);
    }

    public async ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter(key, "write", cancellationToken);
        Capabilities.Check(key, options, "write");
        return new Writer(this, await _store.OpenWriterAsync(key, (options ?? new WriteOptions()) with { Tier = _name, OnlyTiers = [_name] }, cancellationToken).ConfigureAwait(false));
    }

    public async ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter(key, "delete", cancellationToken);
        Capabilities.Check(key, condition, "delete");
        if (!IsUpper) return await IsInLowerAsync(key, cancellationToken).ConfigureAwait(false) || condition.Kind != WriteConditionKind.None ? await _store.DeleteAsync(key, condition, cancellationToken).ConfigureAwait(false) : new DeleteResult(DeleteStatus.Missing);
        if (await _parts.Placer.LookAsync(key, isStrict: true, cancellationToken).ConfigureAwait(false) is not { } where || !where.Holds[_tier])
            return new DeleteResult(condition.Holds(null) ? DeleteStatus.Missing : DeleteStatus.PreconditionFailed);
        if (!condition.Holds(where.Info)) return new DeleteResult(DeleteStatus.PreconditionFailed);
        return await _parts.Placer.DropAsync(where, _parts.Upper[_tier]).ConfigureAwait(false)
            ? new DeleteResult(DeleteStatus.Deleted)
            : throw new StorageException(StorageErrorKind.Changed, $"'{key}' is being written, or a change of it is of unknown outcome; try again later.") { Operation = "delete", Key = key, Store = Capabilities.Store, IsTransient = true, Outcome = WriteOutcome.NotApplied };
    }

    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) => BulkDelete.OneByOneAsync(this, keys, cancellationToken);

    public async ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        using OperationGate.Pass pass = _store.Enter(key, "update", cancellationToken);
        Capabilities.Check(key, condition, "update");
        if (await StatAsync(key, cancellationToken).ConfigureAwait(false) is null) return WriteResult.Missing;
        return await WithCopyAsync(await _store.UpdateAsync(key, changes, condition, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    public async ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        using OperationGate.Pass pass = _store.Enter(source, "copy", cancellationToken);
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (await StatAsync(source, cancellationToken).ConfigureAwait(false) is null) return WriteResult.Missing;
        return await WithCopyAsync(await _store.CopyAsync(source, target, options, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    public async ValueTask<ListPage> ListPageAsync(ListRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        using OperationGate.Pass pass = _store.Enter("list");
        if (!IsUpper && _parts.Map.Lower is null) return Mine(await _store.ListPageAsync(request, cancellationToken).ConfigureAwait(false));
        ListPage page = IsUpper
            ? await _parts.Upper[_tier].Store.ListPageAsync(request, cancellationToken).ConfigureAwait(false)
            : await _store.ListPageAsync(request, cancellationToken).ConfigureAwait(false);
        var held = new List<BlobInfo>(page.Items.Count);
        foreach (BlobInfo item in page.Items)
        {
            if (await StatAsync(item.Key, cancellationToken).ConfigureAwait(false) is { } info) held.Add(info);
        }

        return page with { Items = held };
    }

    public bool TryGetFacet<T>([NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = null;
        return false;
    }

    /// <summary>Closes nothing: the store owns its tiers.</summary>
    public ValueTask DisposeAsync() => Owned?.DisposeAsync() ?? default;

    /// <summary>Whether a tier of the origin is where the blob is. Where the origin is one tier it holds all there is.</summary>
    private async ValueTask<bool> IsInLowerAsync(BlobKey key, CancellationToken cancellationToken) =>
        _parts.Map.Lower is not { } lower || (await lower.LocateAsync(key, cancellationToken).ConfigureAwait(false)).Contains(_name);

    private ListPage Mine(ListPage page) => page with { Items = [.. page.Items.Select(item => item with { Tier = _name })] };

    private WriteResult Mine(WriteResult result) => result.IsWritten ? WriteResult.Written(result.Info! with { Tier = _name }, result.Tiers) : result;

    /// <summary>Puts a copy of a write that the origin has committed into this tier. A failure costs the copy: the write stands.</summary>
    private async ValueTask<WriteResult> WithCopyAsync(WriteResult result)
    {
        if (!result.IsWritten || !IsUpper) return Mine(result);
        BlobKey key = result.Info!.Key;
        try
        {
            if (await _parts.Placer.LookAsync(key, isStrict: false, CancellationToken.None).ConfigureAwait(false) is { } where && where.Info.IsSameWriteAs(result.Info))
                await _parts.Placer.MoveAsync(where, _tier, keepFaster: true, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _parts.Upper[_tier].NoteError(e, "fill", key);
        }

        return Mine(result);
    }

    private sealed class Writer(TierView view, IBlobWriter writer) : IBlobWriter
    {
        public long Length => writer.Length;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => writer.WriteAsync(bytes, cancellationToken);

        public async ValueTask<WriteResult> CommitAsync(CommitOptions? options, CancellationToken cancellationToken) =>
            await view.WithCopyAsync(await writer.CommitAsync(options, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
