// The cluster's executable: a node; `migrate`, which brings the schema up to date and ends; `settings`, which shows what a node would have.
return args switch
{
    ["migrate"] => await Purser.Silo.Migration.RunAsync(),
    ["settings", ..] => Purser.Silo.SiloHost.TellSettings(args[1..]),
    _ => await Purser.Silo.SiloHost.RunAsync(args),
};
