using Xunit;

namespace Strata.Server.Tests;

/// <summary>Tests of which each class has one running server.</summary>
public abstract class ServerTests : IAsyncLifetime
{
    protected RunningServer Running { get; private set; } = null!;

    protected HttpClient Http => Running.Http;

    protected virtual StrataServerOptions Options => new();

    public async ValueTask InitializeAsync() => Running = await RunningServer.StartAsync(Options);

    /// <summary>The server ends, and another one goes on with its folder.</summary>
    protected async Task RestartAsync() => Running = await Running.RestartAsync(Options);

    public async ValueTask DisposeAsync()
    {
        await Running.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
