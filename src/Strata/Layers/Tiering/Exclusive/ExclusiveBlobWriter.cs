using System.Buffers;

namespace Strata;

/// <summary>
/// A write of unknown length: gathered in memory as long as it is short, so that it goes where its length says; from then on streamed
/// to a tier, in one pass.
/// </summary>
internal sealed class ExclusiveBlobWriter(ExclusiveBlobStore store, BlobKey key, WriteOptions? options, long? declared) : IBlobWriter
{
    private const int MostGathered = 256 << 10;
    private ArrayBufferWriter<byte>? _gathered = new();
    private HomeTier? _home;
    private IBlobWriter? _atHome;
    private bool _isOver;

    public long Length => _atHome?.Length ?? _gathered?.WrittenCount ?? 0;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_gathered is null && _atHome is null, this);
        if (_isOver) throw new InvalidOperationException("The write is committed already.");
        if (_gathered is { } gathered && gathered.WrittenCount + bytes.Length <= MostGathered)
        {
            gathered.Write(bytes.Span);
            return;
        }

        try
        {
            if (_gathered is { } before)
            {
                await OpenAsync(before.WrittenCount + bytes.Length, cancellationToken).ConfigureAwait(false);
                await _atHome!.WriteAsync(before.WrittenMemory, cancellationToken).ConfigureAwait(false);
                _gathered = null;
            }

            await _atHome!.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException e) when (_home is not null)
        {
            _home.NoteError(e, "write", key);
            throw _home.Named(e, "write", key);
        }
    }

    public async ValueTask<WriteResult> CommitAsync(CommitOptions? commit, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_gathered is null && _atHome is null, this);
        if (_isOver) throw new InvalidOperationException("The write is committed already.");
        _isOver = true;
        if (_atHome is not null) return await store.CommitAsync(key, _home!, _atHome, options, commit, cancellationToken).ConfigureAwait(false);
        using OperationGate.Pass pass = store.Enter(key, "write", cancellationToken);
        return await store.PutAsync(key, new ReadOnlySequence<byte>(_gathered!.WrittenMemory), options, commit, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        (_gathered, IBlobWriter? atHome, _atHome) = (null, _atHome, null);
        if (atHome is not null) await atHome.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask OpenAsync(long atLeast, CancellationToken cancellationToken)
    {
        long? length = declared ?? options?.DeclaredLength ?? options?.AsCopyOf?.Length;
        _home = store.HomesFor(key, options, length).FirstOrDefault(home => !store.IsBlocked(key, home.Name)) ?? throw store.NoRoom(key, length ?? atLeast);
        WriteOptions below = (options ?? new WriteOptions()) with { Condition = default, Tier = null, SkipTiers = null, OnlyTiers = null };
        _atHome = await _home.Store.OpenWriterAsync(key, below, cancellationToken).ConfigureAwait(false);
    }
}
