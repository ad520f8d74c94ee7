using System.Buffers;

namespace Strata;

/// <content>Writes, updates, copies and deletes: decided and done under the lock of the key's shard.</content>
public sealed partial class MemoryBlobStore
{
    /// <summary>Makes what a write leaves behind.</summary>
    /// <param name="current">The visible blob that is there, or null.</param>
    /// <param name="version">The version issued.</param>
    private delegate BlobInfo Describing(BlobInfo? current, BlobVersion version);

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        Enter(key, "write");
        StoreCapabilities capabilities = Capabilities;
        capabilities.Check(key, options, "write");
        cancellationToken.ThrowIfCancellationRequested();
        if (content.Length > capabilities.MaxBlobLength) throw TooLarge(key, capabilities.MaxBlobLength);
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes)) return Commit(key, MemoryPayload.Of(key, bytes), options, null, content.Length);

        var writer = new MemoryBlobWriter(this, key, options, Math.Min(content.Length ?? capabilities.MaxBlobLength, capabilities.MaxBlobLength), content.Length);
        Stream stream = content.OpenStream();
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                await writer.WriteFromAsync(stream, cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.TooLarge && content.Length is { } declared)
            {
                throw StorageException.WrongLength("write", key, _options.Name, declared, "more");
            }
        }

        if (content.Length is { } length && length != writer.Length) throw StorageException.WrongLength("write", key, _options.Name, length, $"{writer.Length}");
        return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(key, "write");
        StoreCapabilities capabilities = Capabilities;
        capabilities.Check(key, options, "write");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<IBlobWriter>(cancellationToken);
        return new(new MemoryBlobWriter(this, key, options, capabilities.MaxBlobLength, options?.AsCopyOf?.Length));
    }

    /// <inheritdoc/>
    public ValueTask<DeleteResult> DeleteAsync(BlobKey key, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        Enter(key, "delete");
        Capabilities.Check(key, condition, "delete");
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<DeleteResult>(cancellationToken);
        DeleteResult result = Delete(key, condition);

        // A tombstone where nothing was takes room.
        if (_options.Evicts) Evict();
        return new(result);
    }

    /// <inheritdoc/>
    public ValueTask<DeleteManyResult> DeleteManyAsync(IReadOnlyList<BlobKey> keys, CancellationToken cancellationToken = default) =>
        BulkDelete.OneByOneAsync(this, keys, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<WriteResult> UpdateAsync(BlobKey key, BlobChanges changes, WriteCondition condition = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(changes);
        Enter(key, "update");
        Capabilities.Check(key, condition, "update");
        BlobLimits.Check(changes);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        return new(Store(key, 0, Update));

        WriteResult? Update(MemoryShard shard, DateTimeOffset now)
        {
            MemoryBlob? found = shard.Find(key);
            if (VisibleAt(found, now) is not { } blob) return WriteResult.Missing;
            BlobInfo current = blob.Info;
            if (!condition.Holds(current)) return WriteResult.PreconditionFailed(current);
            BlobInfo info = NewBlob.Update(current, changes, _versions.Next(current.Version), now);
            return TryPut(shard, new MemoryBlob(blob.Payload, info, _plain, MinuteOf(now)), info, isCopy: false, found, 0) ? Written(info) : null;
        }
    }

    /// <inheritdoc/>
    public ValueTask<WriteResult> CopyAsync(BlobKey source, BlobKey target, CopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        Enter(source, "copy");
        Capabilities.Check(source, options?.SourceCondition ?? default, "copy");
        Capabilities.Check(target, options?.Condition ?? default, "copy");
        if (options?.Replace is { } changes) BlobLimits.Check(changes);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<WriteResult>(cancellationToken);
        if (Visible(source) is not { } blob) return new(WriteResult.Missing);
        BlobInfo info = blob.Info;
        if (options?.SourceCondition.Holds(info) == false) return new(WriteResult.PreconditionFailed(info));

        // A copy to itself shares the payload; another key has an array of its own, as it has a name of its own.
        MemoryPayload payload = target == source ? blob.Payload : MemoryPayload.Of(target, blob.Payload.Span);
        return new(Commit(target, payload, blob.Checksum, NewBlob.CopyOf(info, options), null));
    }

    internal StorageException TooLarge(BlobKey key, long maxBytes) =>
        new(StorageErrorKind.TooLarge, $"The blob '{key}' is longer than the {maxBytes} bytes that store '{_options.Name}' takes for one blob.")
        {
            Operation = "write", Key = key, Store = _options.Name,
        };

    internal WriteResult Commit(BlobKey key, MemoryPayload payload, WriteOptions? options, CommitOptions? commit, long? declared)
    {
        uint checksum = Crc32C.Of(payload.Span);
        NewBlob.Verify(key, _options.Name, payload.Length, checksum, declared, options, commit);
        return Commit(key, payload, checksum, options, commit);
    }

    /// <summary>Makes an upload's parts the blob; the room that they take is given to it.</summary>
    internal WriteResult Commit(BlobKey key, MemoryPayload payload, CompleteOptions? options, MemoryUpload upload)
    {
        WriteOptions write = upload.Options with { Condition = options?.Condition ?? default };
        var commit = new CommitOptions { ETag = options?.ETag, Checksum = options?.Checksum, Metadata = options?.Metadata };
        uint checksum = Crc32C.Of(payload.Span);
        NewBlob.Verify(key, _options.Name, payload.Length, checksum, null, write, commit);
        return Commit(key, payload, checksum, write, commit, upload.Size);
    }

    internal BlobVersion NextVersion() => _versions.Next();

    private DeleteResult Delete(BlobKey key, WriteCondition condition)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        MemoryShard shard = ShardOf(key);
        lock (shard.Gate)
        {
            MemoryBlob? found = shard.Find(key), current = VisibleAt(found, now);
            if (condition.Kind != WriteConditionKind.None && !condition.Holds(current?.Info, Floor(shard, found, current))) return new DeleteResult(DeleteStatus.PreconditionFailed);
            if (condition.Kind == WriteConditionKind.IfOlder)
            {
                Bury(shard, key, found, condition.Version, now);
                return new DeleteResult(current is null ? DeleteStatus.Missing : DeleteStatus.Deleted, condition.Version);
            }

            if (current is null)
            {
                // What has expired keeps older copies out, as it would have had nobody deleted it.
                if (found is { IsTombstone: false }) shard.Bury(key, found, found.Version, _plain, MinuteOf(now));
                return new DeleteResult(DeleteStatus.Missing);
            }

            BlobVersion version = _versions.Next(current.Version);
            Bury(shard, key, found, version, now);
            return new DeleteResult(DeleteStatus.Deleted, version);
        }
    }

    private WriteResult Commit(BlobKey key, MemoryPayload payload, uint checksum, WriteOptions? options, CommitOptions? commit, long claimed = 0)
    {
        ThrowIfClosed("write");
        long longest = Capabilities.MaxBlobLength;
        if (payload.Length > longest) throw TooLarge(key, longest);
        if (_options.Evicts && Refusal(key, options?.Condition ?? default) is { } refused) return refused;
        return Store(key, MemoryBlob.HeapBytes + payload.HeapBytes, Put);

        WriteResult? Put(MemoryShard shard, DateTimeOffset now)
        {
            MemoryBlob? found = shard.Find(key), current = VisibleAt(found, now);
            BlobInfo? replaced = current?.Info;
            if (options?.Condition.Holds(replaced, Floor(shard, found, current)) == false) return WriteResult.PreconditionFailed(replaced);
            BlobVersion version = options?.AsCopyOf is null ? _versions.Next(found?.Version ?? shard.Forgotten) : default;
            BlobInfo info = NewBlob.Describe(key, payload.Length, checksum, options, commit, replaced, version, now);
            return TryPut(shard, new MemoryBlob(payload, info, _plain, MinuteOf(now)), info, isCopy: options?.AsCopyOf is not null, found, claimed) ? Written(info) : null;
        }
    }

    /// <summary>The answer to a write whose condition does not hold, given before room is made for it; null if it may go on.</summary>
    private WriteResult? Refusal(BlobKey key, WriteCondition condition)
    {
        if (condition.Kind == WriteConditionKind.None) return null;
        DateTimeOffset now = _clock.GetUtcNow();
        MemoryShard shard = ShardOf(key);
        lock (shard.Gate)
        {
            MemoryBlob? found = shard.Find(key), current = VisibleAt(found, now);
            BlobInfo? info = current?.Info;
            return condition.Holds(info, Floor(shard, found, current)) ? null : WriteResult.PreconditionFailed(info);
        }
    }

    private WriteResult Written(BlobInfo info) => WriteResult.Written(info, _options.Name);

    private static MemoryBlob? VisibleAt(MemoryBlob? found, DateTimeOffset now) => found?.IsVisibleAt(now.UtcTicks) == true ? found : null;

    /// <summary>The version that an older copy must not pass: that of the last delete, or of what has expired.</summary>
    private static BlobVersion Floor(MemoryShard shard, MemoryBlob? found, MemoryBlob? current) =>
        current is not null ? default : found?.Version ?? shard.Forgotten;
}
