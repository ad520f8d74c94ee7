using System.Collections.Concurrent;
using Amazon.Runtime;
using Amazon.S3.Model;
using Microsoft.Extensions.Logging;

namespace Strata.S3;

/// <summary>An upload in parts: some parts under way at once, each in a buffer of its own, none visible before the completion. Disposing without it aborts.</summary>
internal sealed class S3Upload : IAsyncDisposable
{
    /// <summary>The longest object: 5 TiB.</summary>
    public const long MaxObjectBytes = 5L << 40;

    public const int MaxParts = 10_000;

    /// <summary>The shortest part but for the last one.</summary>
    public const int MinPartBytes = 5 << 20;

    /// <summary>What one request copies, where parts need not be longer: some go side by side.</summary>
    private const long CopiedAtOnce = 512L << 20;

    /// <summary>Where a length is not known, parts grow by one part size each time that so many were sent: short blobs take little memory, long ones stay below 10,000 parts.</summary>
    private const int PartsOfOneLength = 1_000;

    private readonly S3BlobStore _store;
    private readonly string _name;
    private readonly long? _partLength;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _abort = new();
    private readonly ConcurrentDictionary<int, string> _parts = new();
    private readonly List<Task> _sending = [];
    private int _last;
    private bool _completed;
    private int _disposed;

    private S3Upload(S3BlobStore store, BlobKey key, string name, string writeId, string uploadId, long? length)
    {
        (_store, Key, _name, WriteId, UploadId) = (store, key, name, writeId, uploadId);
        _partLength = length is { } known ? FixedPartLength(known, store.Options.PartSize) : store.Provider.UniformParts ? store.Options.PartSize : null;
        _slots = new SemaphoreSlim(store.Options.Parallelism);
        Buffers = new PartBuffers(store.Buffers);
    }

    public BlobKey Key { get; }

    /// <summary>The server's name of it.</summary>
    public string UploadId { get; }

    /// <summary>Names the write, and its appendix.</summary>
    public string WriteId { get; }

    /// <summary>True if an object that parts are copied from is no longer what was looked at.</summary>
    public bool IsSourceChanged { get; private set; }

    /// <summary>Those of its parts.</summary>
    public PartBuffers Buffers { get; }

    /// <summary>The length of the next part, in bytes.</summary>
    public long NextPartLength => _partLength ?? _store.Options.PartSize * (1L + (_last / PartsOfOneLength));

    /// <param name="store">Where.</param>
    /// <param name="unfinished">What is known of the blob: it is what others see of it if its appendix is lost.</param>
    /// <param name="length">Its length, if known.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask<S3Upload> BeginAsync(S3BlobStore store, BlobInfo unfinished, long? length, CancellationToken cancellationToken)
    {
        string writeId = S3BlobStore.NewWriteId(), name = store.NameOf(unfinished.Key, "write");
        ObjectHeaders headers = ObjectHeaders.OfUnfinished(unfinished, writeId);
        string uploadId = await store.Calls.ReadAsync(
            "write", unfinished.Key,
            async attempt => (await store.Client.InitiateMultipartUploadAsync(store.Requests.Begin(name, headers, isBlob: !S3BlobStore.IsOwn(unfinished.Key)), attempt.Token).ConfigureAwait(false)).UploadId,
            cancellationToken).ConfigureAwait(false);
        var upload = new S3Upload(store, unfinished.Key, name, writeId, uploadId, length);
        store.Track(upload);
        return upload;
    }

    /// <summary>Sends a part when there is a slot for it; the buffer is the upload's from here on, and one of its next parts' when this one is sent.</summary>
    public async ValueTask AddAsync(byte[] buffer, int count, CancellationToken cancellationToken)
    {
        try
        {
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (_sending.Find(s => s.IsFaulted || s.IsCanceled) is { } failed)
            {
                _slots.Release();
                await failed.ConfigureAwait(false);
            }
        }
        catch
        {
            Buffers.Return(buffer);
            throw;
        }

        _sending.RemoveAll(s => s.IsCompletedSuccessfully);
        _sending.Add(SendAsync(Next(), buffer, count));
    }

    /// <summary>Copies some of an object on the server, part by part, if it is still the one that was looked at.</summary>
    public async ValueTask CopyAsync(string source, string etag, long offset, long length, CancellationToken cancellationToken)
    {
        long most = Math.Min(Math.Max(NextPartLength, CopiedAtOnce), _store.Options.MaxCopyBytes);
        for (long end = offset + length; offset < end;)
        {
            // The last two share what is left, as no part but the upload's last may be short.
            long left = end - offset, count = left <= most ? left : left >= most + MinPartBytes ? most : left / 2;
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            _sending.RemoveAll(s => s.IsCompletedSuccessfully);
            _sending.Add(CopyPartAsync(Next(), source, etag, offset, offset + count - 1));
            offset += count;
        }
    }

    /// <summary>Waits for all parts.</summary>
    public Task WhenSentAsync() => Task.WhenAll(_sending);

    /// <summary>Joins the parts into the blob. Refused if the condition does not hold; the upload then goes on.</summary>
    public async ValueTask<RemoteAnswer> CompleteAsync(S3Precondition condition)
    {
        PartETag[] parts = [.. _parts.OrderBy(p => p.Key).Select(p => new PartETag(p.Key, p.Value))];
        RemoteAnswer answer = await _store.Calls.ChangeAsync(
            "write", Key, _store.Options.ServerWorkTimeout,
            attempt => S3BlobStore.AnsweredAsync(() => _store.Client.CompleteMultipartUploadAsync(_store.Requests.Complete(_name, UploadId, parts, condition), attempt.Token)),
            () => _store.IsOwnAsync(Key, WriteId)).ConfigureAwait(false);
        if (answer == RemoteAnswer.Missing && condition.Match is null)
            throw new StorageException(StorageErrorKind.Unavailable, $"Store '{_store.Options.Name}' has dropped the upload of '{Key}'.") { Operation = "write", Key = Key, Store = _store.Options.Name, IsTransient = true };
        _completed = answer == RemoteAnswer.Done;
        return answer == RemoteAnswer.Done ? answer : RemoteAnswer.Refused;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _store.Forget(this);
        await _abort.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Buffers.Dispose();
        if (!_completed) await AbortAsync().ConfigureAwait(false);
        _abort.Dispose();
    }

    private static long FixedPartLength(long length, long partSize)
    {
        long least = (length + MaxParts - 1) / MaxParts;
        return Math.Max(partSize, (least + (1 << 20) - 1) >> 20 << 20);
    }

    private int Next() => ++_last <= MaxParts
        ? _last
        : throw new StorageException(StorageErrorKind.TooLarge, $"The content of '{Key}' needs more than {MaxParts} parts; tell its length, or set a larger part size.") { Operation = "write", Key = Key, Store = _store.Options.Name };

    private async Task SendAsync(int number, byte[] buffer, int count)
    {
        try
        {
            _parts[number] = await _store.Calls.ReadAsync("write", Key, async attempt =>
            {
                using var bytes = new MemoryStream(buffer, 0, count, writable: false);
                using var content = new RemoteContentStream(bytes, attempt);
                var request = new UploadPartRequest { BucketName = _store.Options.Bucket, Key = _name, UploadId = UploadId, PartNumber = number, InputStream = content, PartSize = count, UseChunkEncoding = false };
                return (await _store.Client.UploadPartAsync(request, attempt.Token).ConfigureAwait(false)).ETag;
            }, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            Buffers.Return(buffer);
            _slots.Release();
        }
    }

    private async Task CopyPartAsync(int number, string source, string etag, long first, long last)
    {
        try
        {
            await _store.Calls.ReadAsync("copy", Key, async attempt =>
            {
                // The server works without a word for as long as the copy takes.
                using var patient = new RemoteAttempt(_store.Options.ServerWorkTimeout, _abort.Token);
                var request = new CopyPartRequest
                {
                    SourceBucket = _store.Options.Bucket, SourceKey = source, DestinationBucket = _store.Options.Bucket, DestinationKey = _name, UploadId = UploadId,
                    PartNumber = number, FirstByte = first, LastByte = last, ETagToMatch = [_store.Requests.Quoted(etag)],
                };
                RemoteAnswer answer = await S3BlobStore.AnsweredAsync(async () =>
                    _parts[number] = (await _store.Client.CopyPartAsync(request, patient.Token).ConfigureAwait(false)).ETag).ConfigureAwait(false);
                if (answer != RemoteAnswer.Done) IsSourceChanged = true;
                return answer;
            }, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>What cannot be aborted costs room until the bucket's rule for incomplete uploads removes it: said, not thrown, as the write's own error says more.</summary>
    private async ValueTask AbortAsync()
    {
        try
        {
            await _store.Calls.ReadAsync("abort", Key, async attempt =>
            {
                var request = new AbortMultipartUploadRequest { BucketName = _store.Options.Bucket, Key = _name, UploadId = UploadId };
                await S3BlobStore.AnsweredAsync(() => _store.Client.AbortMultipartUploadAsync(request, attempt.Token)).ConfigureAwait(false);
                return true;
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            _store.Log.LogWarning(e, "An upload of '{Key}' in store '{Store}' could not be aborted; its parts take room until the bucket's rule for incomplete uploads removes them.", Key, _store.Options.Name);
        }
    }
}
