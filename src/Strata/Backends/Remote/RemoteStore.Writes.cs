using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Strata;

/// <content>Writes: one object in one request, or parts that are joined at the commit.</content>
internal sealed partial class RemoteStore
{
    /// <summary>How often a write of content that can be read again begins, where others of its key overtake it.</summary>
    private const int MostStarts = 5;

    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = Enter("write");
        CheckWrite(key, options);
        cancellationToken.ThrowIfCancellationRequested();
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes) && bytes.Length <= _options.PartSize)
        {
            uint checksum = Crc32C.Of(bytes);
            NewBlob.Verify(key, _options.Name, bytes.Length, checksum, content.Length, options, null);
            using MemoryStream stream = StreamOf(bytes);
            return await CommitSingleAsync(key, stream, checksum, options, null, cancellationToken).ConfigureAwait(false);
        }

        if (content.Length > LongestOf(options)) throw TooLarge(key, options);
        for (int start = 1; ; start++)
        {
            var writer = new RemoteBlobWriter(this, key, options, content.Length);
            await using (writer.ConfigureAwait(false))
            {
                try
                {
                    Stream stream = content.OpenStream();
                    await using (stream.ConfigureAwait(false)) await writer.FillAsync(stream, cancellationToken).ConfigureAwait(false);
                    return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
                }
                catch (StorageException) when (writer.IsOvertaken && content.IsReplayable && start < MostStarts)
                {
                    _log.LogDebug("A write of '{Key}' in store '{Store}' was overtaken by another one, and begins again.", key, _options.Name);
                }
            }
        }
    }

    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options, CancellationToken cancellationToken)
    {
        using (Enter("write")) CheckWrite(key, options);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<IBlobWriter>(cancellationToken) : new(new RemoteBlobWriter(this, key, options, null));
    }

    /// <summary>Begins to write something of the store's own.</summary>
    public IBlobWriter OpenWriter(BlobKey key) => new RemoteBlobWriter(this, key, null, null);

    /// <summary>True if a large write of these options cannot go in parts: their completion would ignore its condition.</summary>
    public bool SpoolsFor(WriteOptions? options) => options is { Condition.Kind: not WriteConditionKind.None } && !_options.SingleWriter && !_traits.ConditionalJoin;

    /// <summary>The longest blob that can be written so, in bytes.</summary>
    public long LongestOf(WriteOptions? options) => SpoolsFor(options) ? _traits.MaxSingleBytes : _traits.MaxBlobBytes;

    /// <summary>A file that is gone when it is closed, and that nobody else may read.</summary>
    public FileStream CreateSpool(BlobKey key)
    {
        try
        {
            var file = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose };
            if (!OperatingSystem.IsWindows()) file.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return new FileStream(Path.Combine(_options.SpoolFolder, $"strata-spool-{Guid.NewGuid():n}"), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_options.Name}' cannot create a file in {_options.SpoolFolder}, which a large conditional write needs: {e.Message}", e)
            {
                Operation = "write", Key = key, Store = _options.Name,
            };
        }
    }

    public StorageException TooLarge(BlobKey key, WriteOptions? options) => new(
        StorageErrorKind.TooLarge,
        SpoolsFor(options)
            ? $"The blob '{key}' is longer than the {_traits.MaxSingleBytes} bytes that store '{_options.Name}' takes under a condition: its server ignores conditions on larger ones."
            : $"The blob '{key}' is longer than the {_traits.MaxBlobBytes} bytes that store '{_options.Name}' takes for one blob.")
    {
        Operation = "write", Key = key, Store = _options.Name,
    };

    /// <summary>Begins an upload of a blob of which no more is known than this: no ETag, checksum or length.</summary>
    public ValueTask<RemoteUpload> BeginUploadAsync(BlobKey key, WriteOptions? options, long? length, CancellationToken cancellationToken)
    {
        BlobInfo unfinished = NewBlob.Describe(key, 0, 0, options, null, null, options?.AsCopyOf is null ? _versions.Next() : default, Now) with { Checksum = null };
        return BeginUploadAsync(unfinished, length, cancellationToken);
    }

    /// <summary>Writes content that is short enough for it as one object.</summary>
    public ValueTask<WriteResult> CommitSingleAsync(BlobKey key, Stream content, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(key, content.Length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => PutAsync(key, content, info, condition), _traits.ConditionalPut, cancellationToken);

    /// <summary>Joins an upload's parts; what was not known at its beginning goes into its appendix before.</summary>
    public ValueTask<WriteResult> CommitUploadAsync(RemoteUpload upload, long length, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            upload.Key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(upload.Key, length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => JoinAsync(upload, info, condition), _traits.ConditionalJoin, cancellationToken);

    /// <summary>Whether the object that is there was made by this write.</summary>
    public async ValueTask<bool> IsOwnAsync(BlobKey key, string writeId) =>
        await HeadAsync(key, "write", CancellationToken.None).ConfigureAwait(false) is { WriteId: { } there } && there == writeId;

    /// <summary>The commit of every write and copy: looks at what is there where it must, and again whenever that changed between look and write.</summary>
    /// <param name="key">The key.</param>
    /// <param name="condition">What must hold.</param>
    /// <param name="describe">The blob, from what it replaces and a version above that.</param>
    /// <param name="send">Writes it, under what the server is to check.</param>
    /// <param name="isHonoured">Whether that check is the server's own.</param>
    /// <param name="cancellationToken">Gives up, until the write is sent.</param>
    private async ValueTask<WriteResult> CommitAsync(
        BlobKey key, WriteCondition condition, Func<BlobInfo?, Func<BlobVersion>, BlobInfo> describe, Func<BlobInfo, RemotePrecondition, ValueTask<RemoteAnswer>> send,
        bool isHonoured, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool looks = condition.Kind switch
        {
            WriteConditionKind.None => _options.LooksBeforeWriting || _options.KeepsTombstones is not null,
            WriteConditionKind.IfAbsent => !isHonoured,
            _ => true,
        };
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = looks ? await FindAsync(key, "write", cancellationToken).ConfigureAwait(false) : null;
            BlobInfo? current = Visible(found);
            if (looks && !condition.Holds(current, Floor(found))) return WriteResult.PreconditionFailed(current);
            BlobInfo info = describe(current, () => _versions.Next(found?.Info.Version ?? default));
            RemotePrecondition guard = condition.Kind == WriteConditionKind.None || !_traits.ConditionalPut ? default : RemotePrecondition.Of(found);
            cancellationToken.ThrowIfCancellationRequested();
            RemoteAnswer answer = await send(info, guard).ConfigureAwait(false);
            if (answer == RemoteAnswer.Done)
            {
                await _appendices.DropAsync(found).ConfigureAwait(false);
                return WriteResult.Written(info, _options.Name);
            }

            if (answer == RemoteAnswer.Missing) return WriteResult.Missing;
            looks = true;
        }

        throw Crowded("write", key);
    }

    private async ValueTask<RemoteAnswer> PutAsync(BlobKey key, Stream content, BlobInfo info, RemotePrecondition condition, bool isTombstone = false)
    {
        string writeId = NewWriteId(), name = _service.NameOf(key, "write");
        RemoteHeaders headers = RemoteHeaders.Of(_traits.Record, info, writeId, isTombstone ? info.Modified + _options.KeepsTombstones : null);
        RemoteAnswer answer = await _appendices.WithAsync(key, writeId, headers.Appendix, () => Calls.ChangeAsync("write", key, _options.ProgressTimeout, attempt => _service.AnsweredAsync(async () =>
        {
            content.Position = 0;
            using var watched = new RemoteContentStream(content, attempt);
            await _service.PutAsync(name, watched, headers, condition, isBlob: !isTombstone && !IsOwn(key), attempt).ConfigureAwait(false);
        }), () => IsOwnAsync(key, writeId))).ConfigureAwait(false);
        if (answer != RemoteAnswer.Done && condition.IsNone)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_options.Name}' has no place for '{key}': its {_traits.ContainerWord} is not there.")
            {
                Operation = "write", Key = key, Store = _options.Name,
            };
        }

        // To be there with a certain ETag is a condition that what is missing does not meet.
        return answer == RemoteAnswer.Missing ? RemoteAnswer.Refused : answer;
    }

    private ValueTask<RemoteUpload> BeginUploadAsync(BlobInfo unfinished, long? length, CancellationToken cancellationToken) =>
        RemoteUpload.BeginAsync(this, unfinished, isBlob: !IsOwn(unfinished.Key), length, cancellationToken);

    private async ValueTask<RemoteAnswer> JoinAsync(RemoteUpload upload, BlobInfo info, RemotePrecondition condition)
    {
        if (upload.Overtaken is { } error) throw error;
        RemoteHeaders headers = RemoteHeaders.Of(_traits.Record, info, upload.WriteId);
        byte[]? appendix = _traits.DescribesAtBegin ? RemoteRecord.Appendix(info, upload.WriteId) : headers.Appendix;
        return await _appendices.WithAsync(upload.Key, upload.WriteId, appendix, () => upload.JoinAsync(headers, _traits.ConditionalJoin ? condition : default)).ConfigureAwait(false);
    }

    private void CheckWrite(BlobKey key, WriteOptions? options)
    {
        Capabilities.Check(key, options, "write");
        CheckKey(key, "write");
    }

    private static MemoryStream StreamOf(in ReadOnlySequence<byte> bytes)
    {
        ArraySegment<byte> array = bytes.IsSingleSegment && MemoryMarshal.TryGetArray(bytes.First, out ArraySegment<byte> there) ? there : bytes.ToArray();
        return new MemoryStream(array.Array ?? [], array.Offset, array.Count, writable: false);
    }
}
