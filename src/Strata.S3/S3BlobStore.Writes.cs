using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;

namespace Strata.S3;

/// <content>Writes: one object in one request, or parts that are joined at the commit.</content>
public sealed partial class S3BlobStore
{
    internal S3Requests Requests => field ??= new S3Requests(_options, _provider);

    internal ArrayPool<byte> Buffers => _context.Buffers;

    internal ILogger Log => _log;

    /// <inheritdoc/>
    public async ValueTask<WriteResult> WriteAsync(BlobKey key, BlobContent content, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        using OperationGate.Pass pass = _gate.Enter("write");
        CheckWrite(key, options);
        cancellationToken.ThrowIfCancellationRequested();
        if (content.TryGetSequence(out ReadOnlySequence<byte> bytes) && bytes.Length <= _options.PartSize)
        {
            uint checksum = Crc32C.Of(bytes);
            NewBlob.Verify(key, _options.Name, bytes.Length, checksum, content.Length, options, null);
            using MemoryStream stream = StreamOf(bytes);
            return await CommitSingleAsync(key, stream, checksum, options, null, cancellationToken).ConfigureAwait(false);
        }

        if (content.Length > (SpoolsFor(options) ? S3BlobStoreOptions.MaxSingleBytes : S3Upload.MaxObjectBytes)) throw TooLarge(key, options);
        var writer = new S3BlobWriter(this, key, options, content.Length);
        await using (writer.ConfigureAwait(false))
        {
            Stream stream = content.OpenStream();
            await using (stream.ConfigureAwait(false)) await writer.FillAsync(stream, cancellationToken).ConfigureAwait(false);
            return await writer.CommitAsync(null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IBlobWriter> OpenWriterAsync(BlobKey key, WriteOptions? options = null, CancellationToken cancellationToken = default)
    {
        using (_gate.Enter("write")) CheckWrite(key, options);
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<IBlobWriter>(cancellationToken) : new(new S3BlobWriter(this, key, options, null));
    }

    internal OperationGate.Pass Enter(string operation) => _gate.Enter(operation);

    internal void Track(S3Upload upload) => _sending[upload] = true;

    internal void Forget(S3Upload upload) => _sending.TryRemove(upload, out _);

    internal static string NewWriteId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>True if a large write of these options cannot go in parts: their completion would ignore its condition.</summary>
    internal bool SpoolsFor(WriteOptions? options) =>
        options is { Condition.Kind: not WriteConditionKind.None } && !_options.SingleWriter && !_provider.Honours(S3Abilities.ConditionalComplete);

    /// <summary>A file that is gone when it is closed, and that nobody else may read.</summary>
    internal FileStream CreateSpool(BlobKey key)
    {
        try
        {
            var file = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose };
            if (!OperatingSystem.IsWindows()) file.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return new FileStream(Path.Combine(_options.SpoolFolder, $"strata-s3-{Guid.NewGuid():n}"), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_options.Name}' cannot create a file in {_options.SpoolFolder}, which a large conditional write needs: {e.Message}", e)
            {
                Operation = "write", Key = key, Store = _options.Name,
            };
        }
    }

    internal StorageException TooLarge(BlobKey key, WriteOptions? options) => new(
        StorageErrorKind.TooLarge,
        SpoolsFor(options)
            ? $"The blob '{key}' is longer than the {S3BlobStoreOptions.MaxSingleBytes} bytes that store '{_options.Name}' takes under a condition: its server ignores conditions on larger ones."
            : $"The blob '{key}' is longer than the {S3Upload.MaxObjectBytes} bytes that store '{_options.Name}' takes for one blob.")
    {
        Operation = "write", Key = key, Store = _options.Name,
    };

    /// <summary>What is known of a blob before its bytes are: no ETag, checksum or length.</summary>
    internal BlobInfo Unfinished(BlobKey key, WriteOptions? options) =>
        NewBlob.Describe(key, 0, 0, options, null, null, options?.AsCopyOf is null ? _versions.Next() : default, Now) with { Checksum = null };

    /// <summary>Writes content of up to 5 GiB as one object.</summary>
    internal ValueTask<WriteResult> CommitSingleAsync(BlobKey key, Stream content, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(key, content.Length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => PutAsync(key, content, info, condition), S3Abilities.ConditionalPut, cancellationToken);

    /// <summary>Joins an upload's parts; what was not known at its beginning goes into its appendix before.</summary>
    internal ValueTask<WriteResult> CommitUploadAsync(S3Upload upload, long length, uint checksum, WriteOptions? options, CommitOptions? commit, CancellationToken cancellationToken) =>
        CommitAsync(
            upload.Key, options?.Condition ?? default,
            (replaced, version) => NewBlob.Describe(upload.Key, length, checksum, options, commit, replaced, options?.AsCopyOf is null ? version() : default, Now),
            (info, condition) => CompleteAsync(upload, info, condition), S3Abilities.ConditionalComplete, cancellationToken);

    /// <summary>Whether the object that is there was made by this write.</summary>
    internal async ValueTask<bool> IsOwnAsync(BlobKey key, string writeId) =>
        await HeadAsync(key, "write", CancellationToken.None).ConfigureAwait(false) is { WriteId: { } there } && there == writeId;

    /// <summary>Runs a request that may be refused or find nothing.</summary>
    internal static async Task<RemoteAnswer> AnsweredAsync(Func<Task> send)
    {
        try
        {
            await send().ConfigureAwait(false);
            return RemoteAnswer.Done;
        }
        catch (AmazonServiceException e) when (S3Errors.IsRefused(e))
        {
            return RemoteAnswer.Refused;
        }
        catch (AmazonServiceException e) when (S3Errors.IsMissing(e))
        {
            return RemoteAnswer.Missing;
        }
    }

    /// <summary>The commit of every write and copy: looks at what is there where it must, and again whenever that changed between look and write.</summary>
    /// <param name="key">The key.</param>
    /// <param name="condition">What must hold.</param>
    /// <param name="describe">The blob, from what it replaces and a version above that.</param>
    /// <param name="send">Writes it, under what the server is to check.</param>
    /// <param name="honoured">What the server must honour for the check to be its own.</param>
    /// <param name="cancellationToken">Gives up, until the write is sent.</param>
    private async ValueTask<WriteResult> CommitAsync(
        BlobKey key, WriteCondition condition, Func<BlobInfo?, Func<BlobVersion>, BlobInfo> describe, Func<BlobInfo, S3Precondition, ValueTask<RemoteAnswer>> send,
        S3Abilities honoured, CancellationToken cancellationToken)
    {
        using KeyLocks.Held held = await _locks.EnterAsync(key, cancellationToken).ConfigureAwait(false);
        bool native = _provider.Honours(S3Abilities.ConditionalPut);
        bool looks = condition.Kind switch
        {
            WriteConditionKind.None => _options.LooksBeforeWriting || _options.KeepsTombstones is not null,
            WriteConditionKind.IfAbsent => !_provider.Honours(honoured),
            _ => true,
        };
        for (int look = 0; look < MostLooks; look++)
        {
            RemoteBlob? found = looks ? await FindAsync(key, "write", cancellationToken).ConfigureAwait(false) : null;
            BlobInfo? current = Visible(found);
            if (looks && !condition.Holds(current, Floor(found))) return WriteResult.PreconditionFailed(current);
            BlobInfo info = describe(current, () => _versions.Next(found?.Info.Version ?? default));
            S3Precondition guard = condition.Kind == WriteConditionKind.None || !native ? default
                : found is null ? new S3Precondition(null, IsAbsent: true)
                : new S3Precondition(found.NativeETag);
            cancellationToken.ThrowIfCancellationRequested();
            RemoteAnswer answer = await send(info, guard).ConfigureAwait(false);
            if (answer == RemoteAnswer.Done)
            {
                await DropAppendixAsync(found).ConfigureAwait(false);
                return WriteResult.Written(info, _options.Name);
            }

            if (answer == RemoteAnswer.Missing) return WriteResult.Missing;
            looks = true;
        }

        throw Crowded("write", key);
    }

    private async ValueTask<RemoteAnswer> PutAsync(BlobKey key, Stream content, BlobInfo info, S3Precondition condition, bool isTombstone = false)
    {
        string writeId = NewWriteId(), name = NameOf(key, "write");
        ObjectHeaders headers = ObjectHeaders.Of(info, writeId, isTombstone ? info.Modified + _options.KeepsTombstones : null);
        if (headers.Appendix is { } appendix) await PutAppendixAsync(key, writeId, appendix).ConfigureAwait(false);
        RemoteAnswer answer = await _calls.ChangeAsync("write", key, _options.ProgressTimeout, attempt => AnsweredAsync(async () =>
        {
            content.Position = 0;
            using var watched = new RemoteContentStream(content, attempt);
            await _client.PutObjectAsync(Requests.Put(name, watched, headers, condition, isBlob: !isTombstone && !IsOwn(key)), attempt.Token).ConfigureAwait(false);
        }), () => IsOwnAsync(key, writeId)).ConfigureAwait(false);
        if (answer == RemoteAnswer.Done) return answer;
        if (headers.Appendix is not null) await DropAppendixAsync(writeId).ConfigureAwait(false);
        if (condition.IsNone) throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_options.Name}' has no place for '{key}': its bucket is not there.") { Operation = "write", Key = key, Store = _options.Name };

        // To be there with a certain ETag is a condition that what is missing does not meet.
        return RemoteAnswer.Refused;
    }

    private async ValueTask<RemoteAnswer> CompleteAsync(S3Upload upload, BlobInfo info, S3Precondition condition)
    {
        await PutAppendixAsync(upload.Key, upload.WriteId, RemoteRecord.Appendix(info, upload.WriteId)).ConfigureAwait(false);
        RemoteAnswer answer = await upload.CompleteAsync(_provider.Honours(S3Abilities.ConditionalComplete) ? condition : default).ConfigureAwait(false);
        if (answer != RemoteAnswer.Done) await DropAppendixAsync(upload.WriteId).ConfigureAwait(false);
        return answer;
    }

    private async ValueTask PutAppendixAsync(BlobKey key, string writeId, byte[] json)
    {
        var headers = new ObjectHeaders("application/json", null, [], null);
        await _calls.ChangeAsync("write", key, _options.ProgressTimeout, attempt => AnsweredAsync(async () =>
        {
            using var content = new MemoryStream(json, writable: false);
            await _client.PutObjectAsync(Requests.Put(AppendixName(writeId), content, headers, default, isBlob: false), attempt.Token).ConfigureAwait(false);
        }), null).ConfigureAwait(false);
    }

    private ValueTask DropAppendixAsync(RemoteBlob? replaced) => replaced?.Appendix is { } name ? DropAppendixAsync(name) : default;

    /// <summary>An appendix that stays costs its few bytes and no more: that is said, and harms no write.</summary>
    private async ValueTask DropAppendixAsync(string name)
    {
        _appendices.TryRemove(name, out _);
        try
        {
            await _client.DeleteObjectAsync(_options.Bucket, AppendixName(name), CancellationToken.None).WaitAsync(_options.ProgressTimeout, TimeProvider.System).ConfigureAwait(false);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
        {
            _log.LogWarning(e, "The appendix '{Name}' of a blob that was replaced in store '{Store}' could not be removed.", AppendixName(name), _options.Name);
        }
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
