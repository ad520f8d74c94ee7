namespace Strata.Tests;

/// <summary>A call that waits until the test lets it go: what a slow medium looks like.</summary>
internal sealed class HeldCall(Func<DiskCall, bool> which) : IDisposable
{
    private readonly TaskCompletionSource<DiskCall> _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _released = new();

    /// <summary>Done when the call has come; it waits from then on.</summary>
    /// <exception cref="TimeoutException">It had not within a minute.</exception>
    public Task<DiskCall> Entered => _entered.Task.WaitAsync(TimeSpan.FromMinutes(1));

    /// <summary>Lets it go on, or pass if it has not come yet.</summary>
    public void Release() => _released.Set();

    public void Dispose() => Release();

    /// <summary>True for the one call that is held.</summary>
    internal bool Takes(DiskCall call) => !_entered.Task.IsCompleted && !_released.IsSet && which(call) && _entered.TrySetResult(call);

    internal void Wait() => _released.Wait();
}
