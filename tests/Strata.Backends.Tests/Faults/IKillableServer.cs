namespace Strata.Backends.Tests;

/// <summary>A server in a process of its own, which can be killed.</summary>
public interface IKillableServer : IRemoteServer
{
    /// <summary>kill -9: nothing is flushed, nobody is told. Returns when nobody listens any more.</summary>
    Task KillAsync();

    /// <summary>Starts it again, where it was and with what it had. Returns when it answers.</summary>
    Task ReviveAsync();

    /// <summary>Waits until what the server has acknowledged so far outlives it; of a server that deserves the name it does at once.</summary>
    Task SavedAsync();
}
