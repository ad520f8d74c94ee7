using Xunit;

namespace Strata.Tests;

/// <summary>What a store over a network knows of its own state.</summary>
public sealed class RemoteCallsTests
{
    private static readonly BlobKey Key = BlobKey.Parse("a");

    [Fact]
    public async Task A_fault_shows_until_a_request_is_answered()
    {
        var calls = new RemoteCalls(
            new RemoteLimits("far", 1, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10)),
            e => e is TimeoutException ? new RemoteFault(StorageErrorKind.Timeout, "did not answer in time", IsTransient: true) : new RemoteFault(StorageErrorKind.TooLarge, "finds the blob too long"));
        Assert.Null(calls.Fault);

        await Assert.ThrowsAsync<StorageException>(async () => await calls.ReadAsync<int>("read", Key, _ => throw new TimeoutException(), default));
        Assert.Equal("It did not answer in time.", calls.Fault);
        await calls.ReadAsync("read", Key, _ => Task.FromResult(1), default);
        Assert.Null(calls.Fault);

        await Assert.ThrowsAsync<StorageException>(async () => await calls.ChangeAsync("write", Key, TimeSpan.FromSeconds(10), _ => throw new TimeoutException(), null));
        Assert.NotNull(calls.Fault);
        await calls.ChangeAsync("write", Key, TimeSpan.FromSeconds(10), _ => Task.FromResult(RemoteAnswer.Refused), null);
        Assert.Null(calls.Fault);
    }

    [Fact]
    public async Task What_is_wrong_with_one_blob_alone_is_no_fault_of_the_store()
    {
        var calls = new RemoteCalls(new RemoteLimits("far", 1, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10)), _ => new RemoteFault(StorageErrorKind.TooLarge, "finds the blob too long"));

        await Assert.ThrowsAsync<StorageException>(async () => await calls.ReadAsync<int>("read", Key, _ => throw new InvalidOperationException(), default));

        Assert.Null(calls.Fault);
    }
}
