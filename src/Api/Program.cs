// The embedded default: everything in one process; and the command line.
return await Purser.Api.CommandLine.RunAsync(args, Purser.Api.Server.RunAsync);
