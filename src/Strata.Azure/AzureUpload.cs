using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Azure.Core;

namespace Strata.Azure;

/// <summary>An upload in blocks: some under way at once, each in a buffer of its own, none visible before they are joined. Blocks cannot be taken back: those that are never joined are dropped by Azure after a week.</summary>
internal sealed class AzureUpload : IAsyncDisposable
{
    /// <summary>The longest block that this store sends: 1 GiB.</summary>
    public const int MaxBlockBytes = 1 << 30;

    public const int MaxBlocks = 50_000;

    /// <summary>The longest blob: 48.8 TiB.</summary>
    public const long MaxBlobBytes = (long)MaxBlockBytes * MaxBlocks;

    /// <summary>Where a length is not known, blocks grow by one block size each time that so many were sent: short blobs take little memory, long ones stay below 50,000 blocks.</summary>
    private const int BlocksOfOneLength = 1_000;

    private readonly AzureBlobStore _store;
    private readonly string _name;
    private readonly long? _blockLength;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _abort = new();
    private readonly ConcurrentDictionary<int, string> _blocks = new();
    private readonly List<Task> _sending = [];
    private int _last;
    private int _disposed;

    public AzureUpload(AzureBlobStore store, BlobKey key, long? length)
    {
        (_store, Key, _name) = (store, key, store.NameOf(key, "write"));
        _blockLength = length is { } known ? FixedBlockLength(known, store.Options.BlockSize) : null;
        _slots = new SemaphoreSlim(store.Options.Parallelism);
        Buffers = new PartBuffers(store.Buffers);
    }

    public BlobKey Key { get; }

    /// <summary>Names the write, its blocks, and its appendix.</summary>
    public string WriteId { get; } = AzureBlobStore.NewWriteId();

    /// <summary>True if another write of the key made Azure drop the blocks.</summary>
    public bool IsOvertaken { get; private set; }

    /// <summary>True if the blob that blocks are copied from is no longer what was looked at.</summary>
    public bool IsSourceChanged { get; private set; }

    /// <summary>Those of its blocks.</summary>
    public PartBuffers Buffers { get; }

    /// <summary>The length of the next block, in bytes.</summary>
    public long NextBlockLength => _blockLength ?? Math.Min(MaxBlockBytes, _store.Options.BlockSize * (1L + (_last / BlocksOfOneLength)));

    /// <summary>Sends a block when there is a slot for it; the buffer is the upload's from here on, and one of its next blocks' when this one is sent.</summary>
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
        _sending.Add(SendAsync(buffer, count));
    }

    /// <summary>Has the service itself read the blocks from another blob, if that is still the one that was looked at.</summary>
    public async ValueTask CopyAsync((string Address, string? Authorization) source, RemoteBlob of, CancellationToken cancellationToken)
    {
        for (long offset = 0, length = Math.Max(NextBlockLength, _store.Options.MaxCopyBytes); offset < of.Info.Length; offset += length)
        {
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            _sending.RemoveAll(s => s.IsCompletedSuccessfully);
            _sending.Add(CopyBlockAsync(Next(), source, of.NativeETag, offset, Math.Min(offset + length, of.Info.Length) - 1));
        }
    }

    /// <summary>Waits for all blocks.</summary>
    public Task WhenSentAsync() => Task.WhenAll(_sending);

    /// <summary>Joins the blocks into the blob. Refused if the condition does not hold, or if the blocks are gone.</summary>
    public async ValueTask<RemoteAnswer> JoinAsync(BlobHeaders headers, AzurePrecondition condition)
    {
        var list = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        foreach ((_, string id) in _blocks.OrderBy(b => b.Key)) list.Append("<Uncommitted>").Append(id).Append("</Uncommitted>");
        byte[] body = Encoding.ASCII.GetBytes(list.Append("</BlockList>").ToString());
        RemoteAnswer answer = await _store.Calls.ChangeAsync("write", Key, _store.Options.ServerWorkTimeout, attempt => AzureBlobStore.AnsweredAsync(async () =>
        {
            try
            {
                await SendListAsync(body, headers, condition, attempt).ConfigureAwait(false);
            }
            catch (AzureFailure e) when (e.IsBlockListInvalid)
            {
                // Or they were joined before, by an attempt whose answer was lost: the write's id tells.
                IsOvertaken = true;
                throw new AzureFailure(412, "ConditionNotMet", null);
            }
        }), () => _store.IsOwnAsync(Key, WriteId)).ConfigureAwait(false);
        return answer == RemoteAnswer.Missing ? RemoteAnswer.Refused : answer;
    }

    /// <summary>What is said of an upload whose blocks are gone, though its condition still holds.</summary>
    public StorageException Overtaken() => new(
        StorageErrorKind.Unavailable, $"Another write of '{Key}' ended first, and store '{_store.Options.Name}' lost the blocks of this one, as Azure drops those of all writes under way; write it again.")
    {
        Operation = "write", Key = Key, Store = _store.Options.Name, IsTransient = true,
    };

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _abort.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Buffers.Dispose();
        _abort.Dispose();
        _slots.Dispose();
    }

    private static long FixedBlockLength(long length, long blockSize)
    {
        long least = (length + MaxBlocks - 1) / MaxBlocks;
        return Math.Max(blockSize, (least + (1 << 20) - 1) >> 20 << 20);
    }

    private int Next() => ++_last <= MaxBlocks
        ? _last
        : throw new StorageException(StorageErrorKind.TooLarge, $"The content of '{Key}' needs more than {MaxBlocks} blocks; tell its length, or set a larger block size.") { Operation = "write", Key = Key, Store = _store.Options.Name };

    /// <summary>All names of a blob's blocks must be of one length, whoever sends them: 48 bytes, as the SDKs' are.</summary>
    private string IdOf(int number) => Convert.ToBase64String(Encoding.ASCII.GetBytes(WriteId + number.ToString("d24", CultureInfo.InvariantCulture)));

    private async Task SendAsync(byte[] buffer, int count)
    {
        try
        {
            int number = Next();
            string id = IdOf(number);
            await _store.Calls.ReadAsync("write", Key, async attempt =>
            {
                using var bytes = new MemoryStream(buffer, 0, count, writable: false);
                using var content = new RemoteContentStream(bytes, attempt);
                return await _store.Client.SendAsync(RequestMethod.Put, _name, request =>
                {
                    AddBlock(request, id);
                    request.Content = RequestContent.Create(content);
                }, attempt).ConfigureAwait(false);
            }, _abort.Token).ConfigureAwait(false);
            _blocks[number] = id;
        }
        finally
        {
            Buffers.Return(buffer);
            _slots.Release();
        }
    }

    private async Task CopyBlockAsync(int number, (string Address, string? Authorization) source, string etag, long first, long last)
    {
        try
        {
            string id = IdOf(number);
            await _store.Calls.ReadAsync("copy", Key, async attempt =>
            {
                // The service works without a word for as long as the copy takes.
                using var patient = new RemoteAttempt(_store.Options.ServerWorkTimeout, _abort.Token);
                RemoteAnswer answer = await AzureBlobStore.AnsweredAsync(() => _store.Client.SendAsync(RequestMethod.Put, _name, request =>
                {
                    AddBlock(request, id);
                    request.Headers.SetValue("x-ms-copy-source", source.Address);
                    if (source.Authorization is { } authorization) request.Headers.SetValue("x-ms-copy-source-authorization", authorization);
                    request.Headers.SetValue("x-ms-source-range", string.Create(CultureInfo.InvariantCulture, $"bytes={first}-{last}"));
                    request.Headers.SetValue("x-ms-source-if-match", etag);
                    request.Content = RequestContent.Create(ReadOnlyMemory<byte>.Empty);
                }, patient)).ConfigureAwait(false);
                if (answer != RemoteAnswer.Done) IsSourceChanged = true;
                return answer;
            }, _abort.Token).ConfigureAwait(false);
            _blocks[number] = id;
        }
        finally
        {
            _slots.Release();
        }
    }

    private static void AddBlock(Request request, string id)
    {
        request.Uri.AppendQuery("comp", "block");
        request.Uri.AppendQuery("blockid", id);
    }

    private Task<AzureResponse> SendListAsync(byte[] body, BlobHeaders headers, AzurePrecondition condition, RemoteAttempt attempt) => _store.Client.SendAsync(RequestMethod.Put, _name, request =>
    {
        request.Uri.AppendQuery("comp", "blocklist");
        request.Headers.SetValue("Content-Type", "application/xml");
        headers.AddTypes(request);
        headers.AddMetadata(request);
        AzureBlobStore.AddCondition(request, condition);
        if (!AzureBlobStore.IsOwn(Key)) _store.AddTier(request);
        request.Content = RequestContent.Create(body);
    }, attempt);
}
