namespace Strata.Benchmarks;

/// <summary>Requests over a number of connections, each of which always has one under way.</summary>
internal sealed class SocketLoad(Uri server, int connections) : IDisposable
{
    private readonly SocketConnection[] _connections = [.. Enumerable.Range(0, connections).Select(_ => new SocketConnection(server))];

    public void Dispose() => Array.ForEach(_connections, c => c.Dispose());

    /// <summary>
    /// Small requests on one thread, which goes from connection to connection: takes the answer and sends the next request.
    /// By the time that it comes back an answer is usually there, so that one core is enough for the load of many.
    /// </summary>
    /// <param name="requests">Sent over and over.</param>
    /// <param name="lengths">How many bytes the answers' bodies have, one for each request.</param>
    public Action<int> InTurns(IReadOnlyList<WireRequest> requests, IReadOnlyList<long> lengths)
    {
        int first = 0;
        return operations =>
        {
            int start = first, sent = 0, busy = Math.Min(_connections.Length, operations);
            for (; sent < busy; sent++) _connections[sent].Send(requests[(start + sent) % requests.Count]);
            for (int received = 0; received < operations; received++)
            {
                SocketConnection connection = _connections[received % busy];
                Sink.Expect(connection.Receive(), lengths[(start + received) % requests.Count]);
                if (sent < operations) connection.Send(requests[(start + sent++) % requests.Count]);
            }

            first = (start + operations) % requests.Count;
        };
    }

    /// <summary>The same with answers of one length.</summary>
    public Action<int> InTurns(IReadOnlyList<WireRequest> requests, long length) => InTurns(requests, [.. Enumerable.Repeat(length, requests.Count)]);

    /// <summary>Large requests: a thread for each connection. One operation is one transfer on every connection.</summary>
    /// <param name="transfer">Does one on a connection of this number.</param>
    public Func<int, int, Task> AtOnce(Action<SocketConnection, int> transfer) => (_, operations) => Threads.RunAsync(_connections.Length, number =>
    {
        for (int i = 0; i < operations; i++) transfer(_connections[number], number);
    });
}
