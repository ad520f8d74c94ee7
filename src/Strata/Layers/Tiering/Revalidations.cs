using System.Collections.Concurrent;

namespace Strata;

/// <summary>Questions to the origin off the readers' path: one a key, and so many at once. Where there is no room for one, a later read asks.</summary>
internal sealed class Revalidations : IDisposable
{
    private const int Most = 64;
    private readonly ConcurrentDictionary<BlobKey, bool> _keys = new();
    private readonly CancellationTokenSource _closing = new();
    private int _count;

    /// <summary>True while none is under way.</summary>
    public bool IsIdle => Volatile.Read(ref _count) == 0;

    /// <summary>Begins one, unless one of this key is under way. Its owner waits for it by the pass that <paramref name="revalidate"/> takes before anything else.</summary>
    public void Begin(BlobKey key, Func<CancellationToken, Task> revalidate)
    {
        if (_closing.IsCancellationRequested || _keys.ContainsKey(key)) return;
        if (Interlocked.Increment(ref _count) > Most || !_keys.TryAdd(key, true))
        {
            Interlocked.Decrement(ref _count);
            return;
        }

        _ = RunAsync(key, revalidate);
    }

    /// <summary>Cancels what is under way; nothing begins any more.</summary>
    public Task CloseAsync() => _closing.IsCancellationRequested ? Task.CompletedTask : _closing.CancelAsync();

    public void Dispose() => _closing.Dispose();

    private async Task RunAsync(BlobKey key, Func<CancellationToken, Task> revalidate)
    {
        try
        {
            await revalidate(_closing.Token).ConfigureAwait(false);
        }
        finally
        {
            _keys.TryRemove(key, out _);
            Interlocked.Decrement(ref _count);
        }
    }
}
